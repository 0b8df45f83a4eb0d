// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"fmt"
	"slices"
	"strings"

	"loam/tools/check/code"
	"loam/tools/check/source"
)

// walk visits every function reachable from root except on ways that are
// doomed to panic. visit is told of each instruction that matters, with the
// way to it; enter decides whether to follow a call.
type walk struct {
	p     *Prover
	rule  string
	seen  map[*code.Func]bool
	insn  func(way []step, in *code.Insn)
	enter func(way []step, to *code.Func) bool
}

// from walks on from f, reached by way.
func (w *walk) from(f *code.Func, way []step) {
	if w.seen[f] {
		return
	}
	w.seen[f] = true
	p := w.p
	b := p.im.Body(f)
	if b.Bad != "" {
		p.report(w.rule, append(slices.Clip(way), step{f, f.Addr}), "", "can't be proved: "+b.Bad)
	}
	doomed := b.Doomed(p.endsHere(b))
	if w.insn != nil {
		for i := range b.Insns {
			if !doomed[i] {
				w.insn(append(slices.Clip(way), step{f, b.Insns[i].Addr}), &b.Insns[i])
			}
		}
	}
	for _, e := range p.graph(f) {
		if doomed[e.insn] {
			continue
		}
		here := append(slices.Clip(way), step{f, b.Insns[e.insn].Addr})
		if e.to == nil {
			if w.rule != "nocall" || b.Insns[e.insn].Kind != code.IndirectCall { // insn told it
				p.report(w.rule, here, "", e.why)
			}
		} else if w.enter(here, e.to) {
			w.from(e.to, here)
		}
	}
}

// noalloc proves that root reaches no allocation.
func (p *Prover) noalloc(root *code.Func) {
	w := walk{p: p, rule: "noalloc", seen: map[*code.Func]bool{}}
	w.enter = func(way []step, to *code.Func) bool {
		if isAllocator(to.Name) {
			p.report("noalloc", way, to.Name, "allocates in the steady state; take it from a pool, or write by index")
			return false
		}
		return !quiet(to.Name)
	}
	w.from(root, nil)
}

// nofpu proves that root touches no vector or floating-point state.
func (p *Prover) nofpu(root *code.Func) {
	w := walk{p: p, rule: "nofpu", seen: map[*code.Func]bool{}}
	w.enter = func([]step, *code.Func) bool { return true }
	told := map[*code.Func]bool{}
	w.insn = func(way []step, in *code.Insn) {
		if f := way[len(way)-1].f; in.FPU && !told[f] {
			told[f] = true
			p.report("nofpu", way, "", "touches vector or floating-point state ("+in.Text+"); copy and clear by words, or save the state")
		}
	}
	w.from(root, nil)
}

// nocall proves that the code from root on, jumps to other functions
// included, calls nothing.
func (p *Prover) nocall(root *code.Func, m *source.Mark) {
	for _, symbol := range m.Except {
		if _, err := p.targets(symbol); err != nil {
			p.at(m, "directive", fmt.Sprintf("except: %v; drop it", err))
		}
	}
	w := walk{p: p, rule: "nocall", seen: map[*code.Func]bool{}}
	w.insn = func(way []step, in *code.Insn) {
		if in.Kind == code.Call || in.Kind == code.IndirectCall {
			to := ""
			if f := p.im.At(in.Target); in.Kind == code.Call && f != nil {
				to = f.Name
			}
			p.report("nocall", way, to, "is a call on the trap path; write it in line")
		}
	}
	w.enter = func(way []step, to *code.Func) bool {
		if slices.Contains(m.Except, strings.TrimSuffix(to.Name, ".abi0")) {
			return false
		}
		f := way[len(way)-1]
		b := p.im.Body(f.f)
		for i := range b.Insns {
			if in := &b.Insns[i]; in.Addr == f.pc {
				return in.Kind != code.Call && in.Kind != code.IndirectCall
			}
		}
		return true
	}
	w.from(root, nil)
}

// fatal proves that a function that other proofs take for the end does not
// return.
func (p *Prover) fatal(f *code.Func, m *source.Mark) {
	b := p.im.Body(f)
	if b.Bad != "" {
		p.at(m, "fatal", "can't be proved: "+b.Bad)
		return
	}
	ends := p.endsHere(b)
	live := b.Reach(ends)
	for i := range b.Insns {
		in := &b.Insns[i]
		if live[i] && (in.Kind == code.Return || b.Leaves(in) && !ends(in)) {
			p.report("fatal", []step{{f, in.Addr}}, "", "can return, but proofs end at it; end it in a loop that halts")
			return
		}
	}
}
