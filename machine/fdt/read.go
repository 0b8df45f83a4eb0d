// SPDX-License-Identifier: Apache-2.0

package fdt

// node is what the reader keeps of a node that it is in: where the values of its
// properties lie.
type node struct {
	name, parent                         Span
	compatible, reg, device, status      Span
	interrupts, extended, isa, isas, mmu Span
	ranges, buses, routes, routeMask     Span // of a host bridge of PCI
	phandle, interruptParent             uint32
	sources, shift, width, clock         uint32
	address, size                        uint32 // cells of children's reg
	hasAddress                           bool   // address is not the default
	interruptCells                       uint32 // of an interrupt of this controller
	controller                           uint32 // phandle of a hart's own interrupt controller
	translated                           bool   // children's addresses aren't physical ones
}

// reader reads a blob.
type reader struct {
	blob     Blob
	info     *Info
	nodes    [MaxDepth + 1]node // by depth; nodes[0] is above the root
	plics    int
	found    [MaxDevices]controller
	controls int
}

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
	b, info := r.blob, r.info
	r.nodes[0] = node{address: 2, size: 1}
	for i := uint64(0); ; i++ {
		start, size, ok := b.Reservation(i)
		if !ok {
			break
		}
		if size > 0 && start+size >= start {
			info.addReserved(Range{start, size})
		}
	}
	for w := b.Walk(); ; {
		kind, code := w.Next()
		if code != OK {
			return code
		}
		d := w.Depth() % (MaxDepth + 1)
		switch kind {
		case Begin:
			up := &r.nodes[max(d, 1)-1]
			r.nodes[d] = node{name: w.Name, parent: up.name, address: 2, size: 1, interruptParent: up.interruptParent,
				translated: up.translated}
		case Property:
			if code := r.property(&r.nodes[d], w.Name.Of(b), w.Value); code != OK {
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

// property keeps what the reader wants.
func (r *reader) property(n *node, name []byte, text Span) Code {
	value := text.Of(r.blob)
	switch string(name) {
	case "compatible":
		n.compatible = text
	case "reg":
		n.reg = text
	case "device_type":
		n.device = text
	case "status":
		n.status = text
	case "interrupts":
		n.interrupts = text
	case "interrupts-extended":
		n.extended = text
	case "riscv,isa":
		n.isa = text
	case "riscv,isa-extensions":
		n.isas = text
	case "mmu-type":
		n.mmu = text
	case "ranges":
		n.translated = n.translated || !identity(value)
		n.ranges = text
	case "bus-range":
		n.buses = text
	case "interrupt-map":
		n.routes = text
	case "interrupt-map-mask":
		n.routeMask = text
	case "phandle":
		return number(value, &n.phandle)
	case "interrupt-parent":
		return number(value, &n.interruptParent)
	case "riscv,ndev":
		return number(value, &n.sources)
	case "reg-shift":
		return number(value, &n.shift)
	case "reg-io-width":
		return number(value, &n.width)
	case "clock-frequency":
		if len(value) == 4 {
			return number(value, &n.clock)
		}
	case "#interrupt-cells":
		return number(value, &n.interruptCells)
	case "#address-cells":
		n.hasAddress = true
		return number(value, &n.address)
	case "#size-cells":
		return number(value, &n.size)
	default:
		return r.special(n, name, text)
	}
	return OK
}

// number reads a number of one cell.
func number(value []byte, at *uint32) Code {
	v, ok := Cell(value, 0)
	if !ok || len(value) != 4 {
		return BadProperty
	}
	*at = v
	return OK
}

// special keeps properties of /chosen and /cpus.
func (r *reader) special(n *node, name []byte, text Span) Code {
	value, i := text.Of(r.blob), r.info
	switch string(n.name.Of(r.blob)) {
	case "chosen":
		switch string(name) {
		case "bootargs":
			i.Bootargs = trim(r.blob, text)
		case "stdout-path":
			i.console = trim(r.blob, text)
		case "rng-seed":
			i.Seed = text
		case "linux,initrd-start":
			return address(value, &i.Initrd.Start)
		case "linux,initrd-end": // the size, until the end
			return address(value, &i.Initrd.Size)
		}
	case "cpus":
		if string(name) == "timebase-frequency" {
			return address(value, &i.Ticks)
		}
	}
	return OK
}

// identity reports whether children's addresses are those of the parent: ranges
// without a value.
func identity(ranges []byte) bool { return len(ranges) == 0 }

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
	if up.address > 2 || up.size > 2 || up.address == 0 {
		return Range{}, false
	}
	v, a, s := n.reg.Of(r.blob), int(up.address), int(up.size)
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

// is reports whether a span, a list of strings, has one.
func (r *reader) is(s Span, want string) bool { return HasString(s.Of(r.blob), want) }

// named reports whether a node's name is want.
func (r *reader) named(name Span, want string) bool { return string(name.Of(r.blob)) == want }

func (r *reader) enabled(n *node) bool {
	return n.status.Len == 0 || r.is(n.status, "okay") || r.is(n.status, "ok")
}
