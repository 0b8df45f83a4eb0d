// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestPage wants the page to be what this program would write.
func TestPage(t *testing.T) {
	old, err := os.ReadFile("../../docs/loam-calls.md")
	if err != nil {
		t.Fatal(err)
	}
	made, err := Page("../../abi", old)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(made, old) {
		return
	}
	t.Error("docs/loam-calls.md is not what package abi says: go generate ./abi")
	is := strings.Split(string(old), "\n")
	for i, line := range strings.Split(string(made), "\n") {
		if i >= len(is) || is[i] != line {
			t.Fatalf("line %d should be\n%s", i+1, line)
		}
	}
}

// TestWriting wants tables that somebody changed to be put right, and prose kept.
func TestWriting(t *testing.T) {
	old, err := os.ReadFile("../../docs/loam-calls.md")
	if err != nil {
		t.Fatal(err)
	}
	spoilt := bytes.ReplaceAll(old, []byte("0x1002"), []byte("0x1001"))
	spoilt = bytes.Replace(spoilt, []byte("# Loam calls\n"), []byte("# Calls of Loam\n"), 1)
	if bytes.Equal(spoilt, old) {
		t.Fatal("nothing to spoil")
	}
	made, err := Page("../../abi", spoilt)
	if err != nil {
		t.Fatal(err)
	}
	if want := bytes.Replace(old, []byte("# Loam calls\n"), []byte("# Calls of Loam\n"), 1); !bytes.Equal(made, want) {
		t.Error("a number in the page stays wrong, or its prose was changed")
	}
	for _, page := range []string{"", "no marks\n", string(old) + string(old)} {
		if _, err := Page("../../abi", []byte(page)); err == nil {
			t.Errorf("a page of %d bytes without marks, or with all of them twice, was written", len(page))
		}
	}
}

func TestParseCall(t *testing.T) {
	got, err := parseCall("CallX", "CallX does it. Arguments: the handle, a CPU. The result is 1, or 2. It stays so. "+
		"Right: RightRead. Errors: EBADF, E2BIG too much.")
	want := call{does: "Does it. It stays so.", arguments: "the handle, a CPU", result: "1, or 2", right: "RightRead", errs: "EBADF, E2BIG too much"}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{
		"",
		"CallX does it. Errors: EBADF.",
		"CallX does it. Right: none.",
		"CallX does it. Right: none. Errors: some.",
		"CallX does it. Right: none. Errors: EBADF, those of CallY.",
		"CallX does it. Right: none. Right: RightRead. Errors: EBADF.",
		"Right: none. Errors: EBADF.",
	} {
		if c, err := parseCall("CallX", text); err == nil {
			t.Errorf("%q is %+v", text, c)
		}
	}
}

func TestGroups(t *testing.T) {
	for name, title := range map[string]string{
		"thread_start": "Threads", "thread_bind": "Endpoints and messages", "thread_schedule": "Scheduling",
		"memory_create": "Memory", "memory_create_dma": "Devices", "port_read": "Devices", "spawn": "Processes",
	} {
		if i := groupOf(name); i < 0 || groups[i].title != title {
			t.Errorf("%s is in group %d, want %s", name, i, title)
		}
	}
	if i := groupOf("nothing"); i >= 0 {
		t.Error("a call of no group is in one")
	}
}

// torn is a structure whose codec leaves a gap in one field and another out.
type torn struct {
	A uint32
	B uint32
	C uint16
}

func (s *torn) Put(b []byte) {
	clear(b)
	b[0], b[2] = byte(s.A), byte(s.A>>8)
	b[6], b[7] = byte(s.C), byte(s.C>>8)
}

func TestPlace(t *testing.T) {
	l := layout{&torn{}, 8, ""}
	if at, size, err := place(l, 2); at != 6 || size != 2 || err != nil {
		t.Errorf("C: %d bytes at %d, %v", size, at, err)
	}
	for i := range 2 {
		if _, _, err := place(l, i); err == nil {
			t.Errorf("field %d has a place", i)
		}
	}
}
