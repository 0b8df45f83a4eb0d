// SPDX-License-Identifier: Apache-2.0

package virtio

import (
	"encoding/binary"

	"loam/user/sys"
)

// Memory is memory that a device reaches: a part of a mapped object that is in one
// piece in physical memory too.
type Memory struct {
	bytes   []byte
	address uint64 // physical
}

// minAlign is the alignment that all memory has, virtual and physical.
const minAlign = 16

// NewMemory makes a Memory of mapped bytes and the physical address of the first. Both
// begin at multiples of 16.
func NewMemory(b []byte, address uint64) (Memory, error) {
	if len(b) == 0 || address%minAlign != 0 || sys.Address(b)%minAlign != 0 || address+uint64(len(b)) < address {
		return Memory{}, ErrMemory
	}
	return Memory{b[:len(b):len(b)], address}, nil
}

// Bytes gives the memory. The device may write to it at any time while a buffer of
// it is in flight: who reads it then must read each byte once.
func (m Memory) Bytes() []byte { return m.bytes }

// Size gives its length in bytes.
func (m Memory) Size() int { return len(m.bytes) }

// Element gives n bytes from an offset on as an element of a buffer. The zero Element,
// which nothing takes, is what isn't within the memory.
func (m Memory) Element(offset, n int) Element {
	if offset < 0 || n <= 0 || offset > len(m.bytes) || n > len(m.bytes)-offset || uint64(n) > 1<<32-1 {
		return Element{}
	}
	return Element{m.address + uint64(offset), uint32(n)}
}

// Element is memory in one piece, a part of a buffer (2.7.13.1). Only a Memory makes
// them, so a driver's mistake can't have a device write elsewhere.
type Element struct {
	address uint64
	length  uint32
}

// Length gives its length in bytes, 0 of the zero Element.
func (e Element) Length() int { return int(e.length) }

// load and store are the accesses to what both sides write: words of 4 bytes.
func (m Memory) load(at int) uint32     { return sys.LoadShared(m.bytes, at) }
func (m Memory) store(at int, v uint32) { sys.StoreShared(m.bytes, at, v) }

// The driver's own words, which the device reads when a store tells it to.
func (m Memory) put16(at int, v uint16) { binary.LittleEndian.PutUint16(m.bytes[at:], v) }
func (m Memory) put32(at int, v uint32) { binary.LittleEndian.PutUint32(m.bytes[at:], v) }
func (m Memory) put64(at int, v uint64) { binary.LittleEndian.PutUint64(m.bytes[at:], v) }

// Arena cuts a Memory into parts, in order. What was cut is given back all at once,
// with the Memory.
type Arena struct {
	memory Memory
	used   int
}

// NewArena makes an Arena of all of m.
func NewArena(m Memory) *Arena { return &Arena{memory: m} }

// Cut gives the next n bytes, zeroed, at a multiple of 64 in the memory: two parts
// share no cache line.
func (a *Arena) Cut(n int) (Memory, error) {
	at := roundUp(a.used, cacheLine)
	if n <= 0 || at > a.memory.Size() || n > a.memory.Size()-at {
		return Memory{}, ErrMemory
	}
	a.used = at + n
	m := Memory{a.memory.bytes[at : at+n : at+n], a.memory.address + uint64(at)}
	clear(m.bytes)
	return m, nil
}

const cacheLine = 64

// roundUp gives the next multiple of a power of two.
func roundUp(n, align int) int { return (n + align - 1) &^ (align - 1) }
