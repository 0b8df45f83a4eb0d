// SPDX-License-Identifier: Apache-2.0

// Package proof proves, over the machine code of the kernel, what the
// //loam: directives in its source claim (docs/checks.md lists them):
//
//   - trap: the handler, and all it can reach, allocates nothing, writes no
//     pointer through the write barrier, makes no system call, leaves the
//     packages that may run at trap level nowhere, and fits its stack. Go
//     functions that the machine floor's assembly calls must be marked.
//   - noalloc: no allocation is reachable except on the way to a panic.
//   - nofpu: no vector or floating-point register is touched.
//   - nocall: the code from entry to exit has no CALL.
//   - fatal: the function can't return.
//
// The method is reachability over the static call graph. It is sound for
// direct calls and for jump tables; every other indirect call must be
// resolved by an annotation, //loam:indirect, which the proof believes when
// it names targets and reads from the image when it names a table. Stack
// depth is the sum of the frames along the deepest path, so recursion is
// refused. runtime.morestack is never followed: a trap handler runs with a
// stack guard of zero, which no stack pointer is below, and elsewhere a stack
// that grows is not an allocation of the steady state.
//
// Rejected: gVisor's checkescape parses the compiler's decisions from its
// logs and objdump's text, per function; we need whole paths, assembly
// included.
package proof

import (
	"fmt"
	"path/filepath"
	"strings"

	"loam/tools/check/code"
	"loam/tools/check/finding"
	"loam/tools/check/source"
)

// Prover holds what is known of one kernel image. Not safe for concurrent
// use.
type Prover struct {
	im     *code.Image
	root   string // absolute path of the module on this host
	module string // its import path
	marks  []source.Mark
	bySym  map[*code.Func]*source.Mark
	// trapLevel are the packages whose code may run in a trap handler,
	// by symbol prefix.
	trapLevel []string

	edges    map[*code.Func][]edge
	noReturn map[*code.Func]verdict
	depths   map[*code.Func]*depth
	said     map[string]bool
	out      []finding.Finding
}

// verdict is the state of a question asked of a function.
type verdict uint8

const (
	asking verdict = iota + 1
	yes
	no
)

// Summary says how much was proved.
type Summary struct {
	Trap, NoAlloc, NoFPU, NoCall, Fatal int // roots of each kind
	Deepest                             int // bytes, of the deepest trap root
	DeepestRoot                         string
	Functions                           int // decoded on the way
}

// Run proves every mark of the tree over the image that was built from it.
func Run(im *code.Image, t *source.Tree, marks []source.Mark) ([]finding.Finding, Summary) {
	p := newProver(im, t, marks)
	module := t.Module
	p.trapLevel = append(p.trapLevel, module+"/machine/", module+"/abi.", module+"/abi/",
		"math/bits.", "sync/atomic.", "internal/runtime/atomic.", "internal/byteorder.", "encoding/binary.littleEndian.")
	return p.run()
}

// newProver maps the marks to functions of the image.
func newProver(im *code.Image, t *source.Tree, marks []source.Mark) *Prover {
	p := &Prover{im: im, root: t.Root, module: t.Module, marks: marks, bySym: map[*code.Func]*source.Mark{},
		edges: map[*code.Func][]edge{}, noReturn: map[*code.Func]verdict{},
		depths: map[*code.Func]*depth{}, said: map[string]bool{}}
	im.Ends = func(symbol string) bool {
		return isPanic(symbol) || strings.HasPrefix(symbol, "runtime.morestack")
	}
	for i := range marks {
		m := &marks[i]
		if f := p.function(m); f != nil {
			p.mark(f, m)
		}
	}
	return p
}

// mark joins the directives of one function, which may stand both above its
// Go declaration and above its assembly.
func (p *Prover) mark(f *code.Func, m *source.Mark) {
	old := p.bySym[f]
	if old == nil {
		p.bySym[f] = m
		return
	}
	joined := *old
	joined.Fatal = joined.Fatal || m.Fatal
	joined.NewStack = joined.NewStack || m.NewStack
	joined.Indirect = append(joined.Indirect[:len(joined.Indirect):len(joined.Indirect)], m.Indirect...)
	p.bySym[f] = &joined
}

// function finds the code of a marked function.
func (p *Prover) function(m *source.Mark) *code.Func {
	if m.Asm {
		if f := p.im.Lookup(m.Symbol + ".abi0"); f != nil {
			return f
		}
	}
	return p.im.Lookup(m.Symbol)
}

// run proves every mark.
func (p *Prover) run() ([]finding.Finding, Summary) {
	var sum Summary
	for i := range p.marks {
		m := &p.marks[i]
		f := p.function(m)
		if f == nil {
			if m.Trap || m.NoAlloc || m.NoFPU || m.NoCall || m.Fatal {
				p.at(m, "directive", "no such function in the image, so nothing is proved; is it called, and marked //go:noinline?")
			}
			continue
		}
		if m.Trap {
			sum.Trap++
			if d := p.trap(f, m); d >= sum.Deepest {
				sum.Deepest, sum.DeepestRoot = d, p.short(f.Name)
			}
		}
		if m.NoAlloc {
			sum.NoAlloc++
			p.noalloc(f)
		}
		if m.NoFPU {
			sum.NoFPU++
			p.nofpu(f)
		}
		if m.NoCall {
			sum.NoCall++
			p.nocall(f, m)
		}
		if m.Fatal {
			sum.Fatal++
			p.fatal(f, m)
		}
	}
	p.gates()
	if sum.Trap == 0 {
		p.out = append(p.out, finding.Finding{File: "machine", Rule: "directive",
			Text: "no function is marked //loam:trap: nothing about the trap handlers is proved; mark them"})
	}
	sum.Functions = len(p.edges)
	return finding.Sort(p.out), sum
}

// at reports something about a marked function itself.
func (p *Prover) at(m *source.Mark, rule, text string) {
	p.out = append(p.out, finding.Finding{File: m.File, Line: m.Line, Rule: rule,
		Text: p.short(m.Symbol) + ": " + text})
}

// step is one call on the way from a root: the caller, and where in it.
type step struct {
	f  *code.Func
	pc uint64
}

// report says that what the last step of the way does breaks the rule. The
// place named is the innermost one in this module's source. Of several ways
// to the same instruction only the first is told.
func (p *Prover) report(rule string, way []step, to, text string) {
	last := way[len(way)-1]
	key := fmt.Sprint(rule, last.pc, to, text)
	if p.said[key] {
		return
	}
	p.said[key] = true
	var names []string
	for _, s := range way {
		names = append(names, p.short(s.f.Name))
	}
	if to != "" {
		names = append(names, p.short(to))
	}
	file, line := p.place(way)
	p.out = append(p.out, finding.Finding{File: file, Line: line, Rule: rule,
		Text: strings.Join(names, " -> ") + ": " + text})
}

// place returns the innermost position on the way that lies in our source.
func (p *Prover) place(way []step) (string, int) {
	for i := len(way) - 1; i >= 0; i-- {
		file, line := p.im.Line(way[i].pc)
		if file = p.inTree(file); file != "" {
			return file, line
		}
	}
	if m := p.bySym[way[0].f]; m != nil {
		return m.File, m.Line
	}
	return p.short(way[0].f.Name), 0
}

// inTree turns a recorded file name into one relative to the module, "" if it
// is not of this module. The compiler records absolute names, or with
// -trimpath the import path of the folder.
func (p *Prover) inTree(file string) string {
	for _, prefix := range []string{filepath.ToSlash(p.root), p.module} {
		if rel, ok := strings.CutPrefix(file, prefix+"/"); ok {
			return rel
		}
	}
	return ""
}

// short drops the module path from a symbol.
func (p *Prover) short(symbol string) string {
	return strings.ReplaceAll(symbol, p.module+"/", "")
}
