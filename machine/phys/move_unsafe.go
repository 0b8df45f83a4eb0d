// SPDX-License-Identifier: Apache-2.0

//go:build amd64

package phys

import "unsafe"

// beginsWithin reports whether the first byte of dst is among those of src: then copying must not
// begin with the first ones.
func beginsWithin(dst, src []byte) bool {
	d, s := uintptr(unsafe.Pointer(unsafe.SliceData(dst))), uintptr(unsafe.Pointer(unsafe.SliceData(src)))
	return d-s < uintptr(len(src))
}
