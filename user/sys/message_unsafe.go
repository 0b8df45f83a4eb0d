// SPDX-License-Identifier: Apache-2.0

package sys

import "unsafe"

// Sent gives the bytes that are sent.
func (o *MessageOptions) Sent() []byte { return unsafe.Slice(o.SendAddr, o.SendBytes) }

// Room gives the memory for those that come.
func (o *MessageOptions) Room() []byte { return unsafe.Slice(o.ReceiveAddr, o.ReceiveBytes) }

// WordBytes gives the memory of words as bytes, the lowest of each first.
func WordBytes(w []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(w))), 8*len(w))
}
