// SPDX-License-Identifier: Apache-2.0

package image

import (
	"cmp"
	"debug/elf"
	"encoding/binary"
	"slices"
	"strings"

	"loam/machine/bootinfo"
)

// The machine-mode stage (machine/mmode) is Go code that runs at physical addresses,
// while everything is linked to virtual ones. Code for RISC-V addresses what it needs
// relative to itself, so it is right wherever it lies; what isn't is an address that
// stands somewhere as data: a string in a table, a function value, an interface. So
// the image step follows the stage's code and refuses, of all that it can reach,
//   - data in the file that has a word which is an address in the image,
//   - .bss, which supervisor mode clears, and what lies outside of the image,
//   - jumps through a register but returns, and functions of other packages but those
//     that can be seen to be good,
//   - floating-point and vector instructions: these registers are supervisor mode's,
//   - recursion, and a depth that its stacks don't have.
//
// Run-time panics are let pass: a g without an m, which is all that the stage has,
// makes the panic trap, and that ends the machine with a message.

const (
	stagePkg  = "loam/machine/mmode."
	stageBoot = stagePkg + "boot"
	stageText = "runtime.text"
)

// stackOf is how much stack the functions may use that the stage's assembly code
// calls, in bytes; the little that it takes for their arguments is taken off.
var stackOf = map[string]int64{
	stageBoot:          bootinfo.StageStack*bootinfo.StageHarts - 64,
	stagePkg + "serve": bootinfo.StageStack - 64,
	stagePkg + "park":  bootinfo.StageStack - 64,
	stagePkg + "await": bootinfo.StageStack - 64,
}

// stageCode are packages whose functions the stage may use.
var stageCode = []string{"loam/machine/", "math/bits", "internal/runtime/atomic", "sync/atomic"}

// stageEnds are functions that do not return, stageNever is one that is never called:
// each stack is large enough.
var stageEnds = []string{"runtime.panicBounds", "runtime.panicdivide", "runtime.panicshift", "runtime.panicwrap",
	"runtime.panicunsafeslicelen", "runtime.panicunsafeslicenilptr"}

const stageNever = "runtime.morestack"

// bootLeaf is a function of the runtime that boot may use and nothing later: it uses
// vectors if a word in .bss says so, which boot has switched on, should there be any.
const bootLeaf = "runtime.memequal"

// walker follows code.
type walker struct {
	k         *kernel
	functions []function // by address
	objects   []function // data, by address
	text      uint64     // address of runtime.text
	depths    map[uint64]int64
	path      []string
	boot      bool // what boot calls is looked at
}

// checkStage checks the stage's code, if there is any.
func (k *kernel) checkStage() error {
	functions, err := textFunctions(k.file, &k.segments[0])
	if err != nil {
		return err
	}
	w := &walker{k: k, functions: functions}
	if err := w.readObjects(); err != nil {
		return err
	}
	for _, boot := range []bool{false, true} {
		w.boot, w.depths = boot, map[uint64]int64{}
		for i := range functions {
			f := &functions[i]
			name := strings.TrimSuffix(f.name, ".abi0")
			isRoot := boot && name == stageBoot || !boot && (name == stagePkg+"Start" || stackOf[name] != 0 && name != stageBoot)
			if !isRoot {
				continue
			}
			depth, err := w.follow(f)
			if err != nil {
				return err
			}
			if limit := stackOf[name]; limit != 0 && depth > limit {
				return errorf("machine mode: %s takes %d bytes of stack, there are %d", f.name, depth, limit)
			}
		}
	}
	return nil
}

// readObjects lists the named data, and finds the text's start.
func (w *walker) readObjects() error {
	symbols, err := w.k.file.Symbols()
	if err != nil {
		return errorf("symbol table: %w (build without -ldflags=-s)", err)
	}
	text := &w.k.segments[0]
	for _, s := range symbols {
		if s.Name == stageText {
			w.text = s.Value
		}
		if s.Section != elf.SHN_UNDEF && s.Value >= text.end() {
			w.objects = append(w.objects, function{s.Name, s.Value, s.Value + s.Size})
		}
	}
	slices.SortStableFunc(w.objects, func(a, b function) int { return cmp.Compare(a.start, b.start) })
	return nil
}

// fail says where it is.
func (w *walker) fail(f *function, at uint64, format string, args ...any) error {
	where := strings.Join(append(slices.Clone(w.path), f.name), ", ")
	return errorf("machine mode: %s: at %#x "+format, append([]any{where, at}, args...)...)
}

// find returns the function that an address is in.
func (w *walker) find(at uint64) *function {
	i, ok := slices.BinarySearchFunc(w.functions, at, func(f function, at uint64) int { return cmp.Compare(f.start, at) })
	if !ok {
		i--
	}
	if i < 0 || at >= w.functions[i].end {
		return nil
	}
	return &w.functions[i]
}

// follow checks a function and all that it calls, and returns how deep the stack is
// there.
func (w *walker) follow(f *function) (int64, error) {
	if depth, ok := w.depths[f.start]; ok {
		if depth < 0 {
			return 0, w.fail(f, f.start, "is a recursion")
		}
		return depth, nil
	}
	w.depths[f.start] = -1
	s := scan{w: w, f: f, links: map[uint8]bool{ra: true}}
	if err := s.run(); err != nil {
		return 0, err
	}
	deepest := int64(0)
	w.path = append(w.path, f.name)
	for _, c := range s.calls {
		depth, err := w.follow(c)
		if err != nil {
			return 0, err
		}
		deepest = max(deepest, depth)
	}
	w.path = w.path[:len(w.path)-1]
	w.depths[f.start] = s.frame + deepest
	return s.frame + deepest, nil
}

// callee tells whether a function that is called is to be followed, or why it may not
// be called.
func (w *walker) callee(f *function) (followed bool, why string) {
	name := strings.TrimSuffix(f.name, ".abi0")
	switch {
	case strings.HasPrefix(name, stageNever), slices.Contains(stageEnds, name):
		return false, ""
	case name == bootLeaf && w.boot:
		return false, ""
	case name == stageBoot && !w.boot:
		return false, "" // looked at for itself
	case slices.ContainsFunc(stageCode, func(p string) bool { return strings.HasPrefix(name, p) }):
		return true, ""
	}
	return false, "calls " + f.name + ", which is not known to run anywhere"
}

// data tells why the stage may not use what lies at an address; empty: it may. What
// has no name might be anything: constant structures that the compiler copies are so.
func (w *walker) data(at uint64) string {
	last := &w.k.segments[2]
	if at >= last.addr+uint64(len(last.data)) && at < last.end() {
		return "uses .bss"
	}
	i, _ := slices.BinarySearchFunc(w.objects, at+1, func(f function, at uint64) int { return cmp.Compare(f.start, at) })
	if i == 0 {
		return "uses what isn't the image's"
	}
	var start, end uint64
	name := w.objects[i-1].name
	if name == "go:string.*" { // has no size, and nothing but bytes up to the next
		return ""
	}
	for k := i - 1; k >= 0 && w.objects[k].start == w.objects[i-1].start; k-- {
		if o := &w.objects[k]; at < o.end { // the others are marks, without a size
			start, end, name = o.start, o.end, o.name
		}
	}
	if start == end {
		return "uses what has no name, behind " + name + " (the constants of a structure? set its fields one by one)"
	}
	b := w.k.bytes(start, end)
	if b == nil {
		return "uses " + name + ", which isn't in the file"
	}
	for at := (start + 7) &^ 7; at+8 <= end; at += 8 {
		if v := binary.LittleEndian.Uint64(b[at-start:]); v >= lowestAddr && v < last.end() {
			return "uses " + name + ", where a linked address is"
		}
	}
	return ""
}

// bytes returns what the file has from start to end, or nil.
func (k *kernel) bytes(start, end uint64) []byte {
	for i := range k.segments {
		s := &k.segments[i]
		if start >= s.addr && end >= start && end-s.addr <= uint64(len(s.data)) {
			return s.data[start-s.addr : end-s.addr]
		}
	}
	return nil
}
