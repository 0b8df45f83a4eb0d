// SPDX-License-Identifier: Apache-2.0

package frame

import "unsafe"

// record describes the block whose first frame it belongs to.
type record struct {
	next uint32 // free: next block of the list; run: number of frames
	prev uint32 // free: previous block of the list; part: first frame of the run
	meta uint64 // count, order, state, owner, class; see newMeta
}

var _ [recordSize - unsafe.Sizeof(record{})]struct{}
var _ [unsafe.Sizeof(record{}) - recordSize]struct{}

// rec returns the record of the region's frame i, which must be below r.n.
func (r *region) rec(i uint64) *record {
	return (*record)(unsafe.Add(unsafe.Pointer(nil), r.records+uintptr(i)*recordSize))
}

// record returns the record of the frame at byte offset at of the region, a
// multiple of the page size.
func (w *window) record(at uint64) *record {
	return (*record)(unsafe.Add(unsafe.Pointer(nil), w.records+uintptr(at>>8)))
}

// isReady says whether that record may be read.
func (w *window) isReady(at uint64) bool {
	word := (*uint64)(unsafe.Add(unsafe.Pointer(nil), w.ready+uintptr(at>>26<<3)))
	return *word>>(at>>20&63)&1 != 0
}
