// SPDX-License-Identifier: Apache-2.0

package frame

import "unsafe"

// record describes the block whose first frame it belongs to.
type record struct {
	next uint32 // free: next block of the list; run: number of frames
	prev uint32 // free: previous block of the list; part: first frame of the run
	meta uint64 // state, order, owner, class, count; by get and set alone
}

var _ [recordSize - unsafe.Sizeof(record{})]struct{}
var _ [unsafe.Sizeof(record{}) - recordSize]struct{}

// recordAt returns the record at a virtual address.
func recordAt(va uintptr) *record {
	return (*record)(unsafe.Add(unsafe.Pointer(nil), va))
}

// rec returns the record of the region's frame i, which must be below r.n.
func (r *region) rec(i uint64) *record { return recordAt(r.recordOf(i)) }

// recordOf returns the virtual address of that record.
func (r *region) recordOf(i uint64) uintptr { return r.records + uintptr(i)*recordSize }

// cache returns the address of a processor's cache.
func (a *Allocator) cache(cpu uint32) uintptr {
	return uintptr(unsafe.Pointer(a)) + unsafe.Offsetof(a.caches) + uintptr(cpu%MaxCPUs)*unsafe.Sizeof(cache{})
}

const (
	kernelFront = unsafe.Offsetof(cache{}.fronts)
	userFront   = kernelFront + unsafe.Sizeof(front{})
)

// fronts says where in a cache the front for an owner lies. Who can't hold frames
// is led to the one at the start, which never has any.
var fronts = [256]uintptr{
	Records: kernelFront, Kernel: kernelFront, PageTable: kernelFront, Heap: kernelFront,
	Stack: kernelFront, Context: kernelFront, Table: kernelFront, Slab: kernelFront,
	Boot: kernelFront, Archive: kernelFront, DMA: kernelFront,
	User: userFront, UserFile: userFront,
}

// frontAt returns the front at an address.
func frontAt(va uintptr) *front {
	return (*front)(unsafe.Add(unsafe.Pointer(nil), va))
}

// cpuOf returns whose front it is.
func (a *Allocator) cpuOf(f *front) uint64 {
	at := uintptr(unsafe.Pointer(f)) - uintptr(unsafe.Pointer(&a.caches))
	return uint64(at / unsafe.Sizeof(cache{}))
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
func (f *front) slot(n uint64) *uintptr {
	return (*uintptr)(unsafe.Add(unsafe.Pointer(&f.stack), uintptr(n)*unsafe.Sizeof(f.stack[0])))
}
