// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"fmt"
	"slices"
	"strings"

	"loam/tools/check/code"
	"loam/tools/check/source"
)

// depth is the deepest that a function and all it calls push the stack.
type depth struct {
	bytes   int
	next    *code.Func // where the deepest way goes on; nil: nowhere
	ongoing bool       // being computed: meeting it again is recursion
}

// trap proves one trap root and returns its stack depth in bytes.
func (p *Prover) trap(root *code.Func, m *source.Mark) int {
	d := p.trapDepth(root, nil)
	if d.bytes > m.Stack && d.bytes < code.MaxDepth { // endless growth is reported where it is
		p.at(m, "trap", fmt.Sprintf("needs %d bytes of stack, its directive allows %d; the deepest way is %s",
			d.bytes, m.Stack, p.deepest(root)))
	}
	return d.bytes
}

// deepest spells out the way that needs the most stack, with each frame.
func (p *Prover) deepest(f *code.Func) string {
	var names []string
	for f != nil {
		names = append(names, fmt.Sprintf("%s (%d)", p.short(f.Name), p.im.Body(f).Frame()))
		d := p.depths[f]
		if d == nil {
			break
		}
		f = d.next
	}
	return strings.Join(names, " -> ")
}

// trapDepth checks f, reached by way, against the rules for trap handlers and
// returns its depth. Each function is checked once, whatever the root.
func (p *Prover) trapDepth(f *code.Func, way []step) *depth {
	if d := p.depths[f]; d != nil {
		return d
	}
	d := &depth{ongoing: true}
	p.depths[f] = d
	b := p.im.Body(f)
	p.trapBody(b, way)
	d.bytes = b.Frame()
	for _, e := range p.graph(f) {
		in := &b.Insns[e.insn]
		here := append(slices.Clip(way), step{f, in.Addr})
		if e.to == nil {
			p.report("trap", here, "", e.why)
			continue
		}
		if p.refused(here, e.to) {
			continue
		}
		sub := p.trapDepth(e.to, here)
		if sub.ongoing {
			p.report("trap", here, e.to.Name, "is a recursion, whose stack has no bound; write it as a loop")
			continue
		}
		need := b.Depth[e.insn] + sub.bytes
		if in.Kind == code.Call || in.Kind == code.IndirectCall {
			need += p.im.CallSize()
		}
		if need > d.bytes {
			d.bytes, d.next = need, e.to
		}
	}
	d.ongoing = false
	return d
}

// trapBody reports what single instructions of b break.
func (p *Prover) trapBody(b *code.Body, way []step) {
	p.trapFPU(b, way)
	if b.Bad != "" {
		p.report("trap", append(slices.Clip(way), step{b.Func, b.Func.Addr}), "", "can't be proved: "+b.Bad)
	}
	for i := range b.Insns {
		if in := &b.Insns[i]; in.Kind == code.Syscall {
			p.report("trap", append(slices.Clip(way), step{b.Func, in.Addr}), "",
				"executes a system call at trap level; do the work directly")
		}
	}
	if m := p.bySym[b.Func]; len(b.Loads) > 0 && (m == nil || !m.NewStack) {
		p.report("trap", append(slices.Clip(way), step{b.Func, b.Insns[b.Loads[0]].Addr}), "",
			"loads the stack pointer, so its depth is unknown; mark it //loam:newstack if that is on purpose")
	}
}

// trapFPU reports floating point and vectors in Go code on RISC-V: the registers are
// off at trap level, so using one is a trap in a trap. Assembly of the machine floor
// saves and loads them, and turns them on for that; the runtime's own routines look
// first whether there are vectors.
func (p *Prover) trapFPU(b *code.Body, way []step) {
	file, _ := p.im.Line(b.Func.Addr)
	if p.im.Arch != "riscv64" || !p.mayTrap(b.Func.Name) || strings.HasSuffix(file, ".s") {
		return
	}
	for i := range b.Insns {
		if in := &b.Insns[i]; in.FPU {
			p.report("trap", append(slices.Clip(way), step{b.Func, in.Addr}), "",
				"touches vector or floating-point state ("+in.Text+"), which is off at trap level; compute with integers")
			return
		}
	}
}

// refused reports a callee that a trap handler may not reach, and tells
// whether the way ends here, allowed or not.
func (p *Prover) refused(way []step, to *code.Func) bool {
	name := to.Name
	if m := p.bySym[to]; m != nil && m.Fatal {
		return true
	}
	text := ""
	switch from := way[len(way)-1].f.Name; {
	case isDeliberate(name) && strings.HasPrefix(from, "math/bits."):
		return true // as good as what the compiler puts in: a division overflows
	case isDeliberate(name):
		text = "panics on purpose; use the machine floor's fatal path or return a code"
	case isPanic(name):
		return true
	case isAllocator(name):
		text = "allocates; use a fixed array or a pool linked by index"
	case isBarrier(name):
		text = "stores a heap pointer through the write barrier; keep an index instead"
	case trapRuntime(name), p.mayTrap(name):
		return false
	default:
		text = "is not among the code that may run at trap level (docs/checks.md); do it on the kernel floor"
	}
	p.report("trap", way, name, text)
	return true
}

// gates reports the Go functions that the machine floor's assembly calls and
// that no directive covers: they may run on a trap stack, and a handler that
// somebody forgot to mark would go unproved.
func (p *Prover) gates() {
	for _, f := range p.im.Match(p.mayTrap) {
		if file, _ := p.im.Line(f.Addr); !strings.HasSuffix(file, ".s") {
			continue
		}
		b := p.im.Body(f)
		for _, e := range p.graph(f) {
			if e.to == nil || b.Insns[e.insn].Kind == code.IndirectCall {
				continue
			}
			to := e.to
			if body := p.im.Lookup(strings.TrimSuffix(to.Name, ".abi0")); body != nil {
				to = body // past the wrapper between the calling conventions
			}
			file, _ := p.im.Line(to.Addr)
			m := p.bySym[to]
			if p.inTree(file) == "" || strings.HasSuffix(file, ".s") || m != nil && (m.Trap || m.Fatal) {
				continue
			}
			p.report("trap", []step{{f, b.Insns[e.insn].Addr}}, to.Name,
				"is Go called from assembly with no proof; mark it //loam:trap stack=BYTES")
		}
	}
}

// mayTrap reports whether symbol belongs to a package of the trap level.
func (p *Prover) mayTrap(symbol string) bool {
	for _, prefix := range p.trapLevel {
		if strings.HasPrefix(symbol, prefix) {
			return true
		}
	}
	return false
}
