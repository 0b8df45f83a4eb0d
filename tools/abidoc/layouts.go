// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"go/ast"
	"reflect"
	"strings"

	"loam/abi"
)

// layout is a structure that is on the page.
type layout struct {
	zero codec // of the structure's type
	size int
	when string // which calls have it
}

// codec writes a structure's bytes.
type codec interface{ Put(b []byte) }

// structures are in the page's order.
func structures() []layout {
	return []layout{
		{&abi.HandleInfo{}, abi.HandleInfoSize, "answer of `handle_info`"},
		{&abi.ThreadInfo{}, abi.ThreadInfoSize, "answer of `thread_info` and `process_thread`"},
		{&abi.ProcessInfo{}, abi.ProcessInfoSize, "answer of `process_info`"},
		{&abi.ProcessUse{}, abi.ProcessUseSize, "answer of `process_use`"},
		{&abi.ProcessArea{}, abi.ProcessAreaSize, "answer of `process_area`"},
		{&abi.ProcessCreate{}, abi.ProcessCreateSize, "the beginning of `process_create`'s request"},
		{&abi.HandOn{}, abi.HandOnSize, "a handle that is handed on, by `process_create` or in a message"},
		{&abi.Created{}, abi.CreatedSize, "answer of `process_create`"},
		{&abi.MemoryInfo{}, abi.MemoryInfoSize, "answer of `memory_info`"},
		{&abi.MessageOptions{}, abi.MessageOptionsSize, "what a message has beside its words"},
		{&abi.BootFile{}, abi.BootFileSize, "answer of `boot_file`"},
	}
}

// layouts writes their tables.
func (s *source) layouts() (string, error) {
	var b strings.Builder
	for i, l := range structures() {
		name := reflect.TypeOf(l.zero).Elem().Name()
		meanings, err := s.meanings(name)
		if err != nil {
			return "", err
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "`%s`, %d bytes: %s.\n\n| offset | size | field | |\n|---:|---:|---|---|\n", name, l.size, l.when)
		t := reflect.TypeOf(l.zero).Elem()
		for i := range t.NumField() {
			at, size, err := place(l, i)
			if err != nil {
				return "", fmt.Errorf("%s.%s: %w", name, t.Field(i).Name, err)
			}
			fmt.Fprintf(&b, "| %d | %d | %s | %s |\n", at, size, t.Field(i).Name, s.marked(meanings[t.Field(i).Name]))
		}
	}
	return b.String(), nil
}

// place finds the bytes that the codec writes field i to: those that change when all
// its bits are set.
func place(l layout, i int) (at, size int, err error) {
	v := reflect.New(reflect.TypeOf(l.zero).Elem())
	before, after := make([]byte, l.size), make([]byte, l.size)
	v.Interface().(codec).Put(before)
	fill(v.Elem().Field(i))
	v.Interface().(codec).Put(after)
	at = -1
	end := 0
	for n := range after {
		if after[n] != before[n] {
			if at < 0 {
				at = n
			}
			end = n + 1
		}
	}
	if at < 0 {
		return 0, 0, errors.New("the codec doesn't write it")
	}
	for n := at; n < end; n++ {
		if after[n] != 0xff {
			return 0, 0, errors.New("its bytes aren't in one piece")
		}
	}
	return at, end - at, nil
}

// fill sets all bits of a value.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i))
		}
	case reflect.Int32, reflect.Int64:
		v.SetInt(-1)
	default:
		v.SetUint(1<<v.Type().Bits() - 1)
	}
}

// meanings gives what is said of each field of a structure.
func (s *source) meanings(name string) (map[string]string, error) {
	st := s.types[name]
	if st == nil {
		return nil, fmt.Errorf("no structure %s in the sources", name)
	}
	all := map[string]string{}
	for _, f := range st.Fields.List {
		said := f.Comment
		if said == nil {
			said = f.Doc
		}
		for _, id := range f.Names {
			if said == nil {
				return nil, fmt.Errorf("%s.%s: no comment says what it is", name, id.Name)
			}
			all[id.Name] = flat(said)
		}
	}
	return all, nil
}

// kinds writes the table of kinds.
func (s *source) kinds() (string, error) {
	var b strings.Builder
	b.WriteString("| kind | is | rights that it knows |\n|---|---|---|\n")
	k := abi.Kind(0)
	s.each(func(v *ast.ValueSpec) {
		if name := v.Names[0].Name; strings.HasPrefix(name, "Kind") && v.Comment != nil {
			k++
			fmt.Fprintf(&b, "| %s | %s | %s |\n", k, s.marked(flat(v.Comment)), rightsText(abi.RightsOf(k)))
		}
	})
	if k != abi.NumKinds {
		return "", fmt.Errorf("%d kinds have comments, there are %d", k, abi.NumKinds)
	}
	return b.String(), nil
}

// rightNames are the rights' names, by bit.
var rightNames = []string{"Duplicate", "Transfer", "Read", "Write", "Wait", "Manage", "Execute", "Map"}

func rightsText(r abi.Rights) string {
	var names []string
	for i, name := range rightNames {
		if r.Has(1 << i) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// rights writes the table of rights.
func (s *source) rights() (string, error) {
	var b strings.Builder
	b.WriteString("| right | bit | |\n|---|---|---|\n")
	n := 0
	s.each(func(v *ast.ValueSpec) {
		name, is := strings.CutPrefix(v.Names[0].Name, "Right")
		if !is || v.Comment == nil || n < 0 {
			return
		}
		if n >= len(rightNames) || rightNames[n] != name {
			n = -1
			return
		}
		fmt.Fprintf(&b, "| %s | %#x | %s |\n", name, 1<<n, s.marked(flat(v.Comment)))
		n++
	})
	if n != len(rightNames) {
		return "", errors.New("the rights aren't those that tools/abidoc knows")
	}
	return b.String(), nil
}
