// SPDX-License-Identifier: Apache-2.0

package code

import (
	"fmt"
	"slices"
)

// MaxDepth is where a stack depth counts as growing without end, in bytes.
const MaxDepth = 1 << 24

// Body is one function, decoded.
type Body struct {
	Func  *Func
	Insns []Insn // by address, those that control can reach
	// Depth is, for each instruction, the most bytes that the function
	// has on the stack when control reaches it, its own return address
	// not counted. It is negative below an entry frame given back.
	Depth []int
	// Loads lists the instructions that load the stack pointer from
	// elsewhere; the depth counts from zero again behind them.
	Loads []int
	// Bad says what about the function can't be understood; "" is well.
	Bad string

	succ  [][]int        // successors inside the function
	at    map[uint64]int // instruction by address
	table map[uint64][]uint64
}

// Body decodes a function; the result is kept.
func (im *Image) Body(f *Func) *Body {
	if b := im.bodies[f]; b != nil {
		return b
	}
	b := &Body{Func: f, at: map[uint64]int{}, table: map[uint64][]uint64{}}
	im.bodies[f] = b
	code := im.bytes(f.Addr, f.Size)
	if code == nil {
		b.Bad = "its code is not in the file"
		return b
	}
	b.decode(im, code)
	b.link()
	b.measure()
	return b
}

// inside reports whether addr lies in the function.
func (b *Body) inside(addr uint64) bool {
	return addr >= b.Func.Addr && addr-b.Func.Addr < b.Func.Size
}

// decode follows control from the entry, and from every address inside the
// function that it forms (labels that are pushed or stored to be returned
// to), and decodes what it meets.
func (b *Body) decode(im *Image, code []byte) {
	found := map[uint64]Insn{}
	work := []uint64{b.Func.Addr}
	for {
		for len(work) > 0 {
			pc := work[len(work)-1]
			work = work[:len(work)-1]
			if _, ok := found[pc]; ok || !b.inside(pc) {
				continue
			}
			in, err := im.decode(code[pc-b.Func.Addr:], pc)
			if err != nil {
				b.Bad = fmt.Sprintf("at +%#x: %v", pc-b.Func.Addr, err)
				continue
			}
			b.classify(im, &in)
			found[pc] = in
			work = append(work, b.next(&in)...)
			if b.inside(in.label) {
				work = append(work, in.label)
			}
		}
		// Jump tables are looked up when all before them is known.
		for pc, in := range found {
			if in.Kind == IndirectJump && in.base != 0 && b.table[pc] == nil {
				b.table[pc] = im.jumpTable(b, found, in)
				work = append(work, b.table[pc]...)
			}
		}
		if im.Arch == "riscv64" {
			work = append(work, b.join(im, found)...)
			work = append(work, b.localReturns(found)...)
		}
		if len(work) == 0 {
			break
		}
	}
	for _, in := range found {
		b.Insns = append(b.Insns, in)
	}
	slices.SortFunc(b.Insns, func(x, y Insn) int { return int(int64(x.Addr - y.Addr)) })
	for i, in := range b.Insns {
		b.at[in.Addr] = i
	}
}

// classify completes Kind and what depends on the function that in belongs to.
func (b *Body) classify(im *Image, in *Insn) {
	if in.rvFirmware(b.Func.Name) {
		in.Kind = Plain
	}
	in.local = in.writes != 0 && in.Kind == Call && b.inside(in.Target) && in.Target != b.Func.Addr
	in.Ends = im.ends(in)
}

// next returns where control may go inside the function after in.
func (b *Body) next(in *Insn) []uint64 {
	after := in.Addr + uint64(in.Len)
	switch in.Kind {
	case Jump:
		if b.inside(in.Target) {
			return []uint64{in.Target}
		}
		return nil
	case CondJump:
		if b.inside(in.Target) {
			return []uint64{in.Target, after}
		}
	case IndirectJump:
		return b.table[in.Addr]
	case Return, Stop:
		return nil
	case Call:
		if in.Ends {
			return nil
		}
		if in.local {
			return []uint64{in.Target, after}
		}
	}
	return []uint64{after}
}

// ends reports whether in calls a function that Ends names.
func (im *Image) ends(in *Insn) bool {
	if in.Kind != Call || im.Ends == nil {
		return false
	}
	f := im.At(in.Target)
	return f != nil && im.Ends(f.Name)
}

// jumpTable reads the table behind a switch: the compiler forms its address
// in the register that the jump then indexes by eight. Empty, not nil, when
// there is none.
func (im *Image) jumpTable(b *Body, found map[uint64]Insn, jump Insn) []uint64 {
	var base, best uint64
	for pc, in := range found {
		if in.label != 0 && in.into == jump.base && pc < jump.Addr && pc >= best {
			base, best = in.label, pc
		}
	}
	targets := []uint64{}
	for base != 0 && !b.inside(base) {
		word := im.bytes(base, 8)
		if word == nil || !b.inside(le64(word)) {
			break
		}
		targets = append(targets, le64(word))
		base += 8
	}
	return targets
}

// link fills in the successors, and turns jumps through a table that stays
// inside the function into plain ones.
func (b *Body) link() {
	b.succ = make([][]int, len(b.Insns))
	for i := range b.Insns {
		in := &b.Insns[i]
		for _, pc := range b.next(in) {
			if !b.inside(pc) && in.Kind != Call && in.Kind != IndirectCall {
				b.Bad = fmt.Sprintf("at +%#x: control runs off its end", in.Addr-b.Func.Addr)
			}
			if j, ok := b.at[pc]; ok && !slices.Contains(b.succ[i], j) {
				b.succ[i] = append(b.succ[i], j)
			}
		}
		if in.Kind == IndirectJump && len(b.table[in.Addr]) > 0 {
			in.Kind = Plain
		}
	}
	if in := b.torn(); in != nil {
		b.Bad = fmt.Sprintf("at +%#x: control enters what several instructions make", in.Addr-b.Func.Addr)
	}
}

// measure computes Depth by following control until nothing gets deeper.
func (b *Body) measure() {
	const unseen = -1 << 31
	b.Depth = make([]int, len(b.Insns))
	for i := range b.Depth {
		b.Depth[i] = unseen
	}
	entry, ok := b.at[b.Func.Addr]
	if !ok {
		return
	}
	b.Depth[entry] = 0
	b.settle(entry)
	// What only a formed label leads to runs on whatever stack it is
	// entered with: count from zero.
	for i := range b.Insns {
		if b.Depth[i] == unseen {
			b.Depth[i] = 0
			b.settle(i)
		}
	}
	for i := range b.Insns {
		if b.Insns[i].SP == SPLoaded {
			b.Loads = append(b.Loads, i)
		}
	}
}

// settle propagates a depth from instruction i.
func (b *Body) settle(i int) {
	for work := []int{i}; len(work) > 0; {
		i, work = work[len(work)-1], work[:len(work)-1]
		depth := b.after(i)
		if depth > MaxDepth {
			b.Bad = fmt.Sprintf("at +%#x: the stack grows in a loop", b.Insns[i].Addr-b.Func.Addr)
			return
		}
		for _, j := range b.succ[i] {
			if depth > b.Depth[j] {
				b.Depth[j] = depth
				work = append(work, j)
			}
		}
	}
}

// after returns the depth behind instruction i.
func (b *Body) after(i int) int {
	switch in := &b.Insns[i]; in.SP {
	case SPMoved:
		return b.Depth[i] + in.Delta
	case SPLoaded:
		return 0
	}
	return b.Depth[i]
}

// Frame returns the most bytes the function itself has on the stack, without
// its own return address and without what it calls.
func (b *Body) Frame() int {
	most := 0
	for i := range b.Insns {
		most = max(most, b.Depth[i], b.after(i))
	}
	return most
}

// Doomed reports, for each instruction, whether every way on from it ends in
// a trap or a call that does not return, as noreturn tells it. A loop is not
// doomed: it may run for ever, and that is what a dispatcher does.
func (b *Body) Doomed(noreturn func(*Insn) bool) []bool {
	doomed := make([]bool, len(b.Insns))
	left := make([]int, len(b.Insns))
	pred := make([][]int, len(b.Insns))
	var work []int
	for i := range b.Insns {
		in := &b.Insns[i]
		left[i] = len(b.succ[i])
		for _, j := range b.succ[i] {
			pred[j] = append(pred[j], i)
		}
		if in.Kind == Stop || in.Ends || noreturn(in) {
			doomed[i] = true
			work = append(work, i)
		}
	}
	for len(work) > 0 {
		i := work[len(work)-1]
		work = work[:len(work)-1]
		for _, j := range pred[i] {
			in := &b.Insns[j]
			leaves := in.Kind == CondJump && !b.inside(in.Target)
			if left[j]--; left[j] == 0 && !doomed[j] && !leaves {
				doomed[j] = true
				work = append(work, j)
			}
		}
	}
	return doomed
}

// Reach reports, for each instruction, whether control gets there from the
// entry when nothing comes back from what noreturn names.
func (b *Body) Reach(noreturn func(*Insn) bool) []bool {
	seen := make([]bool, len(b.Insns))
	entry, ok := b.at[b.Func.Addr]
	if !ok {
		return seen
	}
	seen[entry] = true
	for work := []int{entry}; len(work) > 0; {
		i := work[len(work)-1]
		work = work[:len(work)-1]
		if noreturn(&b.Insns[i]) {
			continue
		}
		for _, j := range b.succ[i] {
			if !seen[j] {
				seen[j] = true
				work = append(work, j)
			}
		}
	}
	return seen
}

// Entry returns the index of the first instruction, -1 if it was not decoded.
func (b *Body) Entry() int {
	if i, ok := b.at[b.Func.Addr]; ok {
		return i
	}
	return -1
}

// Leaves reports whether in is a jump out of the function.
func (b *Body) Leaves(in *Insn) bool {
	return (in.Kind == Jump || in.Kind == CondJump) && !b.inside(in.Target)
}

// Calls reports whether in calls another function by its address.
func (b *Body) Calls(in *Insn) bool { return in.Kind == Call && !in.local }
