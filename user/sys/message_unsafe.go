// SPDX-License-Identifier: Apache-2.0

package sys

import "unsafe"

// Sent gives the bytes that are sent.
func (o *MessageOptions) Sent() []byte { return unsafe.Slice(o.SendAddr, o.SendBytes) }

// Room gives the memory for those that come.
func (o *MessageOptions) Room() []byte { return unsafe.Slice(o.ReceiveAddr, o.ReceiveBytes) }
