// SPDX-License-Identifier: Apache-2.0

package sys

import "unsafe"

// Address returns where bytes are, in memory that does not move: a mapping, or
// the heap as long as somebody keeps the slice.
func Address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// AddressOfWords is Address for words.
func AddressOfWords(b []uint64) uint64 {
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
}
