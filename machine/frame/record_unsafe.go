// SPDX-License-Identifier: Apache-2.0

package frame

import "unsafe"

// record describes what begins at its frame: a single frame, a run, or one in a front.
type record struct {
	run  uint32 // frames of a run
	meta uint64 // state, owner, count; by get and set alone
}

var _ [recordSize - unsafe.Sizeof(record{})]struct{}
var _ [unsafe.Sizeof(record{}) - recordSize]struct{}

// recordOf returns the record of a frame of the front's region.
func (f *head) recordOf(pa uint64) *record { return recordAt(uintptr(f.shift + pa>>8)) }

// recordAt returns the record at a virtual address.
func recordAt(va uintptr) *record {
	return (*record)(unsafe.Add(unsafe.Pointer(nil), va))
}

// rec returns the record of the region's frame i, which must be below r.n.
func (r *region) rec(i uint64) *record { return recordAt(r.recordOf(i)) }

// recordOf returns the virtual address of that record.
func (r *region) recordOf(i uint64) uintptr { return r.records + uintptr(i)*recordSize }

// The following reach a region's trees and lines, at virtual addresses.

func wordAt(va uintptr) *uint64 { return (*uint64)(unsafe.Add(unsafe.Pointer(nil), va)) }
func byteAt(va uintptr) *uint8  { return (*uint8)(unsafe.Add(unsafe.Pointer(nil), va)) }
func lineAt(va uintptr) *line   { return (*line)(unsafe.Add(unsafe.Pointer(nil), va)) }

// frontOn returns the address of a processor's front for an owner; for one that
// can't hold frames, of the one that never has any.
func (a *Allocator) frontOn(cpu uint32, o Owner) uintptr {
	c := &a.caches[cpu%MaxCPUs]
	if !o.valid() {
		return uintptr(unsafe.Pointer(&c.nobody))
	}
	return uintptr(unsafe.Pointer(&c.fronts[o.class()]))
}

// frontAt returns the front at an address.
func frontAt(va uintptr) *front {
	return (*front)(unsafe.Add(unsafe.Pointer(nil), va))
}

// cpuOf returns whose front it is.
func (a *Allocator) cpuOf(f *front) uint32 {
	at := uintptr(unsafe.Pointer(f)) - uintptr(unsafe.Pointer(&a.caches))
	return uint32(at / unsafe.Sizeof(cache{}))
}

// The following leave out the check of bounds that each frame would pay for.

// ownedBy returns the counter of a valid owner.
func (f *front) ownedBy(o uint64) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(&f.owned), o*8))
}

// singleOf returns the record of a single frame of a valid owner.
func (a *Allocator) singleOf(o uint64) *meta {
	return (*meta)(unsafe.Add(unsafe.Pointer(a), unsafe.Offsetof(a.single)+uintptr(o)*8))
}

// slot returns entry n of the stack, which is below CacheFrames.
func (f *front) slot(n uint64) *uint64 {
	return (*uint64)(unsafe.Add(unsafe.Pointer(&f.stack), n*8))
}
