// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"fmt"
	"strings"

	"loam/tools/check/code"
	"loam/tools/check/source"
)

// edge is one way out of a function.
type edge struct {
	insn int        // index into the body's instructions
	to   *code.Func // nil: unresolved
	why  string     // why it is unresolved
}

// graph returns the ways out of f: calls, and jumps that leave it. The ways
// to runtime.morestack are left out; see the package comment.
func (p *Prover) graph(f *code.Func) []edge {
	if es, ok := p.edges[f]; ok {
		return es
	}
	var es []edge
	b := p.im.Body(f)
	for i := range b.Insns {
		in := &b.Insns[i]
		switch {
		case b.Calls(in) || b.Leaves(in):
			to := p.im.At(in.Target)
			switch {
			case to == nil:
				es = append(es, edge{i, nil, fmt.Sprintf("goes to %#x, where no function is", in.Target)})
			case !strings.HasPrefix(to.Name, "runtime.morestack"):
				es = append(es, edge{i, to, ""})
			}
		case in.Kind == code.IndirectCall || in.Kind == code.IndirectJump:
			es = append(es, p.indirect(f, i, in)...)
		}
	}
	p.edges[f] = es
	return es
}

// indirect resolves an indirect call by the annotation of the function that
// it was written in, which may have been inlined into f.
func (p *Prover) indirect(f *code.Func, i int, in *code.Insn) []edge {
	m := p.annotated(f, in.Addr)
	if m == nil {
		return []edge{{i, nil, "calls through a pointer (" + in.Text + "); call directly, or say where it goes with //loam:indirect"}}
	}
	var es []edge
	for _, target := range m.Indirect {
		found, err := p.targets(target)
		if err != nil {
			es = append(es, edge{i, nil, fmt.Sprintf("//loam:indirect: %v", err)})
		}
		for _, to := range found {
			es = append(es, edge{i, to, ""})
		}
	}
	return es
}

// annotated returns the mark that resolves an indirect call of f at pc.
func (p *Prover) annotated(f *code.Func, pc uint64) *source.Mark {
	if m := p.bySym[f]; m != nil && len(m.Indirect) > 0 {
		return m
	}
	file, line := p.im.Line(pc)
	file = p.inTree(file)
	for i := range p.marks {
		m := &p.marks[i]
		if len(m.Indirect) > 0 && line >= m.Line && line <= m.End && file == m.File {
			return m
		}
	}
	return nil
}

// targets returns the functions that one //loam:indirect target stands for.
func (p *Prover) targets(target string) ([]*code.Func, error) {
	if name, ok := strings.CutPrefix(target, "table="); ok {
		return p.im.Table(name)
	}
	if prefix, ok := strings.CutSuffix(target, "*"); ok {
		found := p.im.Match(func(s string) bool { return strings.HasPrefix(s, prefix) })
		if len(found) == 0 {
			return nil, fmt.Errorf("no function begins with %s", prefix)
		}
		return found, nil
	}
	for _, symbol := range []string{target, target + ".abi0"} {
		if f := p.im.Lookup(symbol); f != nil {
			return []*code.Func{f}, nil
		}
	}
	return nil, fmt.Errorf("no function %s in the image", target)
}

// returnsNot reports whether a call of f never comes back: the runtime's
// panics, functions marked fatal, and those that can only end in such.
func (p *Prover) returnsNot(f *code.Func) bool {
	switch p.noReturn[f] {
	case yes:
		return true
	case no, asking: // a recursion that ends somewhere else
		return false
	}
	p.noReturn[f] = asking
	answer := isPanic(f.Name)
	if m := p.bySym[f]; m != nil && m.Fatal {
		answer = true
	}
	if !answer {
		b := p.im.Body(f)
		if e := b.Entry(); e >= 0 && b.Bad == "" {
			answer = b.Doomed(p.endsHere(b))[e]
		}
	}
	p.noReturn[f] = no
	if answer {
		p.noReturn[f] = yes
	}
	return answer
}

// endsHere returns a test for the instructions of b that call something that
// does not return.
func (p *Prover) endsHere(b *code.Body) func(*code.Insn) bool {
	return func(in *code.Insn) bool {
		if in.Kind != code.Call && !(in.Kind == code.Jump && b.Leaves(in)) {
			return false
		}
		to := p.im.At(in.Target)
		return to != nil && p.returnsNot(to)
	}
}
