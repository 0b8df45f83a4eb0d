// SPDX-License-Identifier: Apache-2.0

package pcid

import (
	"errors"
	"fmt"

	"loam/user/virtio"
)

// function is one of the bus.
type function struct {
	at     virtio.Function
	space  virtio.ConfigSpace
	virtio bool
	why    error // it isn't handed out
	layout virtio.PCILayout
	bars   [6]virtio.BAR // of a virtio function
	spans  []span        // of addresses that it answers to, as far as they are known

	owner uint64 // badge of who has it; 0: nobody had it yet
	held  *held  // once it has been taken
}

// Offsets in configuration headers (PCI 3.0, 6.1; PCI-to-PCI Bridge 1.2, 3.2).
const (
	headerVendor    = 0x00
	headerType      = 0x0e
	headerBAR       = 0x10
	headerMemory    = 0x20 // of a bridge: base and limit, 16 bits each of the upper 12 of 32
	headerPrefetch  = 0x24 // likewise, and their upper halves
	headerSubsystem = 0x2c
	vendorVirtio    = 0x1af4
	typeBits        = 0x7f
	typeBridge      = 1
)

// Why a function is not handed out.
var (
	errOverlap = errors.New("another function answers to some of its addresses, or where only pages can be told apart, to some beside them")
	errOwn     = errors.New("its ranges overlap")
	errConfig  = errors.New("it answers where configuration space is")
	errPlace   = errors.New("it has no addresses, and there is no room for it")
)

// scan looks at the functions of the first bus. Those of virtio are sized, which nobody may
// use meanwhile; of others, which the kernel or other drivers may have, only the addresses
// are read.
func scan(space func(virtio.Function) virtio.ConfigSpace) (all []*function) {
	for at, c := range virtio.Functions(0, space) {
		f := &function{at: at, space: c}
		all = append(all, f)
		header := c.Read(headerType, 1) & typeBits
		f.virtio = c.Read(headerVendor, 2) == vendorVirtio && header == 0
		switch {
		case f.virtio:
			f.size()
		case header == typeBridge:
			f.addresses(2)
			f.spans = append(f.spans, f.window(headerMemory, false), f.window(headerPrefetch, true))
		default:
			f.addresses(6)
		}
	}
	return all
}

// size reads what a virtio function is made of.
func (f *function) size() {
	if f.bars, f.why = virtio.ReadBARs(f.space); f.why != nil {
		f.addresses(6)
		return
	}
	f.setSpans()
	f.layout, f.why = virtio.ReadPCI(f.space, f.bars, false)
}

func (f *function) setSpans() {
	f.spans = f.spans[:0]
	for _, b := range f.bars {
		if b.Size > 0 && b.Address > 0 && !b.Ports {
			f.spans = append(f.spans, spanOf(b.Address, b.Size))
		}
	}
}

// addresses notes the first addresses to which a function answers, with which a page goes:
// how many there are, it would have to be turned off for.
func (f *function) addresses(bars int) {
	for i := 0; i < bars; i++ {
		v := uint64(f.space.Read(headerBAR+4*i, 4))
		if v&1 != 0 { // ports
			continue
		}
		wide := v&6 == 4 && i < bars-1
		if wide {
			i++
			v |= uint64(f.space.Read(headerBAR+4*i, 4)) << 32
		}
		if v &^= 15; v != 0 {
			f.spans = append(f.spans, spanOf(v, pageSize))
		}
	}
}

// window is what a bridge passes on.
func (f *function) window(at int, prefetch bool) span {
	base, limit := uint64(f.space.Read(at, 2)), uint64(f.space.Read(at+2, 2))
	wide := prefetch && base&15 == 1
	base, limit = base&^15<<16, limit&^15<<16
	if wide {
		base |= uint64(f.space.Read(headerPrefetch+4, 4)) << 32
		limit |= uint64(f.space.Read(headerPrefetch+8, 4)) << 32
	}
	if base > limit {
		return span{}
	}
	return spanOf(base, limit-base+1<<20)
}

// assign gives a function's ranges addresses in a window, where firmware has not.
func (f *function) assign(window span, all []*function) error {
	for i, b := range f.bars {
		if b.Size == 0 || b.Ports || b.Address != 0 {
			continue
		}
		var taken []span
		for _, x := range all {
			taken = append(taken, x.spans...)
		}
		at, ok := place(window, b.Size, taken)
		if !ok || !b.Wide && at+b.Size > 1<<32 {
			return errPlace
		}
		virtio.SetBAR(f.space, i, b, at)
		f.bars[i].Address = at
		f.setSpans()
	}
	return nil
}

// check says why a function's registers are not safe to hand out: addresses are a device's
// to claim, and it may have claimed those of another. config is where configuration space is.
func (f *function) check(all []*function, config span) error {
	for i, s := range f.spans {
		if s.meets(config) {
			return errConfig
		}
		for _, x := range f.spans[:i] {
			if s.meets(x) {
				return errOwn
			}
		}
		for _, x := range all {
			for _, other := range x.spans {
				if x != f && s.pages().meets(other.pages()) {
					return errOverlap
				}
			}
		}
	}
	for _, r := range f.structures() {
		if r.Size > 0 && f.bars[r.BAR].Address == 0 {
			return errPlace
		}
	}
	return nil
}

// structures gives the regions of the function's structures, in the order of their numbers.
func (f *function) structures() [numStructures]virtio.Region {
	return [numStructures]virtio.Region{Common: f.layout.Common, Notify: f.layout.Notify, ISR: f.layout.ISR, Device: f.layout.Device}
}

// span gives the addresses of a region.
func (f *function) span(r virtio.Region) span { return spanOf(f.bars[r.BAR].Address+r.Offset, r.Size) }

// vectors reports whether the function has MSI-X with a table that no driver can reach:
// in no page of a structure's.
func (f *function) vectors() bool {
	m := f.layout.MSIX
	if m.At == 0 || f.bars[m.Table.BAR].Address == 0 {
		return false
	}
	table := f.span(m.Table).pages()
	for _, r := range f.structures() {
		if r.Size > 0 && f.span(r).pages().meets(table) {
			return false
		}
	}
	return true
}

func (f *function) String() string {
	return fmt.Sprintf("%02x:%02x.%x", f.at.Bus, f.at.Device, f.at.Function)
}
