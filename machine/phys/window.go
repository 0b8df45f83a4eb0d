// SPDX-License-Identifier: Apache-2.0

package phys

// Window is a Memory with an end, for parsers that follow addresses which a
// loader or firmware wrote: an address beyond the end is refused instead of
// used. The zero Window is empty.
type Window struct {
	mem Memory
	end uint64
}

// Below returns the window on the physical addresses below end, all of which
// m must reach.
func (m Memory) Below(end uint64) Window { return Window{m, end} }

// WindowOf returns the window whose physical address 0 is b[0]; see FromBytes.
func WindowOf(b []byte) Window { return FromBytes(b).Below(uint64(len(b))) }

// Bytes returns the n bytes from pa on, or nil if n is zero or not all of them
// lie in the window.
func (w Window) Bytes(pa, n uint64) []byte {
	if n == 0 || n > w.end || pa > w.end-n {
		return nil
	}
	return w.mem.Bytes(pa, n)
}
