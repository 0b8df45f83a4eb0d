//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/abi/channel"
	"loam/machine/bootinfo"
)

// reserveRing keeps the ring, if the host offers one, from being used for anything
// else. It has to lie in usable memory.
func reserveRing() {
	at, code := bootinfo.Uint(CommandLine(), "ring")
	if code != bootinfo.OK || at%pageSize != 0 {
		return
	}
	for i := range usable.Len() {
		if r := usable.At(i); at >= r.Base && at <= r.End() && channel.RingSize <= r.End()-at {
			usable.Remove(bootinfo.Range{Base: at, Size: channel.RingSize})
			ringAt = at
			return
		}
	}
}

var ringAt uint64 // its physical address, 0: none

// startRing makes the ring usable, once the direct map is where it stays.
func startRing() {
	if ringAt != 0 {
		ring = uint64(memory.Virtual(ringAt))
	}
}
