// SPDX-License-Identifier: Apache-2.0

package pci

// Probe is what is written to a base address register to learn its size, section
// 6.2.5.1: the bits that can't be set read back as 0.
const Probe = 0xffff_ffff

// Low bits of a base address register, section 6.2.5.
const (
	baseIO       = 1 << 0
	baseType     = 3 << 1
	base64       = 2 << 1
	basePrefetch = 1 << 3
	baseIOBits   = 3
	baseBits     = 15
)

// Kind says which addresses a base address register takes.
type Kind uint8

// The kinds.
const (
	None     Kind = iota // there is no such register
	Ports                // I/O space
	Memory32             // memory below 4 GiB
	Memory64             // memory; the next register has the upper half
)

// Need is what a base address register asks for.
type Need struct {
	Kind     Kind
	Prefetch bool   // reads have no effects
	Size     uint64 // bytes, a power of two; the address is a multiple of it
}

// Decode returns the need by what a register has after Probe was written to it, and
// the next register after the same if this one takes 64 bits. False: it is none that
// the specification allows.
func Decode(word, next uint32) (Need, bool) {
	var n Need
	mask := uint64(word) | 0xffff_ffff<<32
	switch {
	case word == 0:
		return n, true
	case word&baseIO != 0:
		n.Kind = Ports
		mask &^= baseIOBits
		if mask&0xffff_0000 == 0 {
			mask |= 0xffff_0000 // it decodes 16 bits only
		}
	case word&baseType == 0:
		n.Kind = Memory32
		mask &^= baseBits
	case word&baseType == base64:
		n.Kind = Memory64
		mask = (uint64(next)<<32 | uint64(word)) &^ baseBits
	default:
		return Need{}, false
	}
	n.Prefetch = word&baseIO == 0 && word&basePrefetch != 0
	n.Size = -mask
	if n.Size&(n.Size-1) != 0 || n.Size == 0 || n.Size == 1<<32 && n.Kind != Memory64 {
		return Need{}, false
	}
	return n, true
}

// Space gives addresses on the bus to what needs them, in rising order. An address of
// 0 is never given: to many functions it means that they have none.
type Space struct {
	Next uint64 // what lies below is given
	End  uint64
}

// Place returns an address for size bytes, a power of two; false: there is no room,
// and nothing has changed.
func (s *Space) Place(size uint64) (at uint64, ok bool) {
	if size == 0 || size&(size-1) != 0 {
		return 0, false
	}
	at = max((s.Next+size-1)&^(size-1), size)
	if at < s.Next || at+size < at || at+size > s.End {
		return 0, false
	}
	s.Next = at + size
	return at, true
}
