// SPDX-License-Identifier: Apache-2.0

package fdt

import "loam/machine/riscv64"

// node is what the reader keeps of a node that it is in: where the values of its
// properties lie, and what it inherits.
type node struct {
	has             uint32 // bit k: values[k] is of this node
	name            Span
	interruptParent uint32
	controller      uint32 // phandle of a hart's own interrupt controller
	translated      bool   // children's addresses aren't physical ones
	values          [values]Span
}

// value returns where the value of a property lies; nothing if the node has none.
func (n *node) value(p property) Span {
	if n.has>>p&1 == 0 {
		return Span{}
	}
	return n.values[p%values]
}

// reader reads a blob. It runs before anything else of a boot, at physical addresses
// perhaps: what it does for each property is short, and it has no tables of strings.
type reader struct {
	blob     Blob
	info     *Info
	nodes    [MaxDepth + 1]node // by depth; nodes[0] is above the root
	names    [nameSlots]nameSlot
	lastISA  Span // ISA string of the hart before, and what it says
	lastSet  riscv64.ISA
	lastHart int // that resolve found
	plics    int
	found    [MaxDevices]controller
	controls int
}

// nameSlot remembers which property a name in the strings block is: names recur.
type nameSlot struct {
	at       uint32 // of the name in the blob; 0: nothing is remembered
	property property
}

const nameSlots = 128

// controller is an interrupt controller or timer that says which harts are on it.
type controller struct {
	kind     controllerKind
	extended Span // pairs: a hart's own controller, the interrupt there
	base     Range
	second   Range
}

type controllerKind uint8

const (
	plic controllerKind = iota
	clint
	soft  // ACLINT's MSWI
	timer // ACLINT's MTIMER: mtime, then mtimecmp
)

// Interrupts of a hart, privileged architecture 3.1.9.
const (
	machineSoft        = 3
	machineTimer       = 7
	supervisorExternal = 9
	machineExternal    = 11
)

// Read fills info from a blob. With another code than OK the blob is not to be
// relied on; info has what was read before.
func Read(b Blob, info *Info) Code {
	*info = Info{}
	if code := b.Check(); code != OK {
		return code
	}
	// Its pointers are set here, where it is known to lie on the stack: no write
	// barrier, which machine mode can't have.
	r := reader{blob: b, info: info}
	return r.read()
}

func (r *reader) read() Code {
	b := r.blob
	r.reservations()
	for w := b.Walk(); ; {
		kind, code := w.Next()
		if code != OK {
			return code
		}
		d := w.Depth() % (MaxDepth + 1)
		switch kind {
		case Begin:
			n, up := &r.nodes[d], &r.nodes[max(d, 1)-1]
			n.has, n.name, n.controller = 0, w.Name, 0
			n.interruptParent, n.translated = up.interruptParent, up.translated
		case Property:
			if code := r.property(&r.nodes[d], &w); code != OK {
				return code
			}
		case End: // of the node one deeper
			if code := r.node(&r.nodes[(d+1)%(MaxDepth+1)], &r.nodes[d]); code != OK {
				return code
			}
		case Done:
			return r.resolve()
		}
	}
}

func (r *reader) reservations() {
	for i := uint64(0); ; i++ {
		start, size, ok := r.blob.Reservation(i)
		if !ok {
			return
		}
		if size > 0 && start+size >= start {
			r.info.addReserved(Range{start, size})
		}
	}
}

// property keeps what the reader wants of the property that the walk has come to.
func (r *reader) property(n *node, w *Walk) Code {
	slot := &r.names[(uint32(w.name)*0x9e37_79b1)>>25%nameSlots]
	if slot.at != uint32(w.name) {
		name, ok := w.Property(r.blob)
		if !ok {
			return BadName
		}
		slot.at, slot.property = uint32(w.name), named(name)
	}
	p := slot.property
	if p == none {
		return OK
	}
	if p >= special {
		return r.special(n, p, w.Value)
	}
	if p >= numbers && w.Value.Len != 4 {
		if p == clockFrequency {
			return OK
		}
		return BadProperty
	}
	n.values[p%values] = w.Value
	n.has |= 1 << p
	switch p {
	case ranges:
		n.translated = n.translated || w.Value.Len != 0 // else children's addresses are the parent's
	case interruptParent:
		n.interruptParent = r.number(n, p, 0)
	}
	return OK
}

// special keeps properties of /chosen and /cpus.
func (r *reader) special(n *node, p property, text Span) Code {
	value, i := text.Of(r.blob), r.info
	if p == timebase {
		if r.named(n.name, "cpus") {
			return address(value, &i.Ticks)
		}
		return OK
	}
	if !r.named(n.name, "chosen") {
		return OK
	}
	switch p {
	case bootargs:
		i.Bootargs = trim(r.blob, text)
	case stdout:
		i.console = trim(r.blob, text)
	case seed:
		i.Seed = text
	case initrdStart:
		return address(value, &i.Initrd.Start)
	case initrdEnd: // the size, until the end
		return address(value, &i.Initrd.Size)
	}
	return OK
}

// number returns the value of a property that is a number, or what it is by default.
func (r *reader) number(n *node, p property, without uint32) uint32 {
	if n.has>>p&1 == 0 {
		return without
	}
	v, _ := Cell(n.value(p).Of(r.blob), 0)
	return v
}

// cells returns how many cells addresses and sizes have in the reg of n's children.
func (r *reader) cells(n *node) (address, size uint32) {
	return r.number(n, addressCells, 2), r.number(n, sizeCells, 1)
}

// address reads a number of one or two cells.
func address(value []byte, at *uint64) Code {
	v, ok := Cells(value, 0, len(value)/4)
	if !ok || len(value) != 4 && len(value) != 8 {
		return BadProperty
	}
	*at = v
	return OK
}

// trim is a string without its NUL.
func trim(b Blob, s Span) Span {
	if v := s.Of(b); len(v) > 0 && v[len(v)-1] == 0 {
		s.Len--
	}
	return s
}

// regAt reads entry k of reg; false: there is none. A range that wraps is none.
func (r *reader) regAt(n, up *node, k int) (Range, bool) {
	address, sizes := r.cells(up)
	if address > 2 || sizes > 2 || address == 0 {
		return Range{}, false
	}
	v, a, s := n.value(reg).Of(r.blob), int(address), int(sizes)
	start, ok := Cells(v, k*(a+s), a)
	if !ok {
		return Range{}, false
	}
	size, ok := Cells(v, k*(a+s)+a, s)
	if !ok || start+size < start {
		return Range{}, false
	}
	return Range{start, size}, true
}

// is reports whether the value of a property, a list of strings, has one.
func (r *reader) is(n *node, p property, want string) bool {
	return n.has>>p&1 != 0 && HasString(n.value(p).Of(r.blob), want)
}

// named reports whether a node's name is want.
func (r *reader) named(name Span, want string) bool { return string(name.Of(r.blob)) == want }

func (r *reader) enabled(n *node) bool {
	return n.value(status).Len == 0 || r.is(n, status, "okay") || r.is(n, status, "ok")
}
