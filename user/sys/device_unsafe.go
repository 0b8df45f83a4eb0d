// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"sync/atomic"
	"unsafe"
)

// Memory that a device reaches, and registers of devices. Both are mapped objects that
// the caller has as bytes; offsets are multiples of the width, and a range that isn't
// within the bytes panics.

// LoadShared reads 4 bytes of memory that a device writes, once. What the device wrote
// before it wrote them is seen by what is read afterwards (acquire).
func LoadShared(b []byte, at int) uint32 {
	_ = &b[at+3] // a check; no read
	// SAFETY: both ends are within b.
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(&b[at])))
}

// StoreShared writes 4 bytes that a device reads. It finds there all that was written
// before (release), and a LoadShared that follows is made after it (so that the
// question whether the other side sleeps comes after the news).
func StoreShared(b []byte, at int, v uint32) {
	_ = &b[at+3] // a check; no read
	// SAFETY: both ends are within b.
	atomic.StoreUint32((*uint32)(unsafe.Pointer(&b[at])), v)
}
