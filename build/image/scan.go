// SPDX-License-Identifier: Apache-2.0

package image

import "strings"

// scan reads one function of the stage's.
type scan struct {
	w *walker
	f *function

	calls []*function
	frame int64          // how far it moves the stack down
	links map[uint8]bool // registers that a return address was put into here

	far   int64 // what the assembler's register holds: how far a large frame goes
	known bool
}

// run reads the function from its start to its end.
func (s *scan) run() error {
	code := s.w.k.bytes(s.f.start, s.f.end)
	for at := s.f.start; at < s.f.end; {
		in := decode(code[at-s.f.start:])
		why := ""
		switch in.kind {
		case bad:
			why = "is no instruction"
		case float:
			why = "uses floating-point or vector registers"
		case auipc:
			next := decode(code[min(at+4, s.f.end)-s.f.start:])
			why = s.pair(in, next, at)
			if why == "" {
				s.moves(next)
			}
			at += next.size
		case jal:
			why = s.jump(in, at+uint64(in.imm))
		}
		if why != "" {
			return s.w.fail(s.f, at, "%s", why)
		}
		if why := s.moves(in); why != "" {
			return s.w.fail(s.f, at, "%s", why)
		}
		at += in.size
	}
	return s.returns(code)
}

// pair looks at what an AUIPC and the instruction behind it lead to. The linker makes
// no other use of AUIPC.
func (s *scan) pair(in, next insn, at uint64) string {
	target := at + uint64(in.imm+next.imm)
	if next.size != 4 || next.rs1 != in.rd {
		return "takes an address in parts"
	}
	switch next.kind {
	case jalr:
		return s.call(target)
	case addi, load, store:
	default:
		return "takes an address in parts"
	}
	if !s.w.k.inText(target) {
		return s.w.data(target)
	}
	if next.kind == addi && target == s.w.text {
		return "" // where the image lies
	}
	if f := s.w.find(target); f == nil || f.start != target || next.kind != addi {
		return "uses text as data"
	}
	return s.call(target) // whoever calls it: it can be
}

// jump looks at a JAL: inside the function, or a call of another.
func (s *scan) jump(in insn, target uint64) string {
	if target > s.f.start && target < s.f.end {
		if in.rd != zero {
			s.links[in.rd] = true
		}
		return ""
	}
	if target == s.f.start && in.rd != zero {
		return "is a recursion"
	}
	return s.call(target)
}

func (s *scan) call(target uint64) string {
	f := s.w.find(target)
	if f == nil || f.start != target {
		return "jumps to what is no function"
	}
	followed, why := s.w.callee(f)
	if followed && f.start != s.f.start { // a jump to its own start is behind a stack check
		s.calls = append(s.calls, f)
	}
	return why
}

// moves notes what an instruction does to the stack pointer. Assembly code of the
// stage sets it; what depth it has is known there.
func (s *scan) moves(in insn) string {
	isAdd := in.kind == add && in.rd == sp && (in.rs1 == sp && in.rs2 == temp || in.rs1 == temp && in.rs2 == sp)
	switch {
	case in.kind == lui && in.rd == temp:
		s.far, s.known = in.imm, true
	case (in.kind == addiw || in.kind == addi) && in.rd == temp && in.rs1 == temp && s.known:
		s.far += in.imm
	case in.kind == addi && in.rd == sp && in.rs1 == sp:
		s.frame -= min(in.imm, 0)
	case isAdd && s.known:
		s.frame -= min(s.far, 0)
	case in.rd == sp && !s.entry():
		return "moves the stack in another way"
	case in.rd == temp:
		s.known = false
	}
	return ""
}

// entry reports whether the function is one that hardware enters.
func (s *scan) entry() bool {
	switch strings.TrimSuffix(s.f.name, ".abi0") {
	case stagePkg + "Start", stagePkg + "lower", stagePkg + "trap":
		return true
	}
	return false
}

// returns wants all jumps through registers to be returns: to where a call, or one
// inside the function, has come from.
func (s *scan) returns(code []byte) error {
	for at := s.f.start; at < s.f.end; {
		in := decode(code[at-s.f.start:])
		if in.kind == auipc {
			at += 8
			continue
		}
		if in.kind == jalr && (in.rd != zero || !s.links[in.rs1] || in.imm != 0) {
			return s.w.fail(s.f, at, "jumps through a register")
		}
		at += in.size
	}
	return nil
}
