// SPDX-License-Identifier: Apache-2.0

package phys

import "unsafe"

// Memory is a window through which physical addresses are reached. It is a
// value: copy it freely. The zero Memory is an identity map.
type Memory struct{ base uintptr }

// At returns the memory whose physical address 0 is at virtual address base.
func At(base uintptr) Memory { return Memory{base} }

// FromBytes returns a memory whose physical address 0 is b[0], for tests on a
// host. Use [Arena] to get a page-aligned b, and keep b alive: a Memory holds
// a number, which the garbage collector does not follow.
func FromBytes(b []byte) Memory {
	return Memory{uintptr(unsafe.Pointer(unsafe.SliceData(b)))}
}

// Arena returns n bytes of page-aligned zero memory, for [FromBytes].
func Arena(n int) []byte {
	b := make([]byte, n+PageSize-1)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (PageSize - 1))
	return b[skip : skip+n : skip+n]
}

// pointer is nil plus an offset, which the compiler turns into one addition.
func (m Memory) pointer(pa uint64) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(nil), m.base+uintptr(pa))
}

// Virtual returns the virtual address of pa in this window.
func (m Memory) Virtual(pa uint64) uintptr { return m.base + uintptr(pa) }

// Table returns the frame at pa, page-aligned, as 512 words.
func (m Memory) Table(pa uint64) *[512]uint64 { return (*[512]uint64)(m.pointer(pa)) }

// Around returns the table that a word is in, one that Word or Table gave.
func (m Memory) Around(word *uint64) *[512]uint64 {
	return (*[512]uint64)(unsafe.Pointer(uintptr(unsafe.Pointer(word)) &^ (PageSize - 1)))
}

// Page returns the frame at pa, page-aligned, as bytes.
func (m Memory) Page(pa uint64) *[PageSize]byte { return (*[PageSize]byte)(m.pointer(pa)) }

// Word returns the 8-aligned word at pa.
func (m Memory) Word(pa uint64) *uint64 { return (*uint64)(m.pointer(pa)) }

// Bytes returns n bytes from pa on.
func (m Memory) Bytes(pa, n uint64) []byte { return unsafe.Slice((*byte)(m.pointer(pa)), n) }

// Zero clears the frame at pa, page-aligned. It keeps every vector register
// except the one that Go itself keeps at zero. Every processor sees it so before it
// sees what is stored afterwards, as an entry of a page table that leads to the frame;
// so with Copy and Fill.
func (m Memory) Zero(pa uint64) { zeroPage(m.Page(pa)) }

// Copy copies the frame at src over the frame at dst, both page-aligned.
func (m Memory) Copy(dst, src uint64) { copyPage(m.Page(dst), m.Page(src)) }

// Fill gives the frame at pa, page-aligned, the bytes of b, at most a page, and
// zeroes behind them.
func (m Memory) Fill(pa uint64, b []byte) {
	if len(b) < PageSize {
		m.Zero(pa)
	}
	copy(m.Page(pa)[:], b)
	orderStores()
}
