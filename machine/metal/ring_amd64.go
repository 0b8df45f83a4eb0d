//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/abi/channel"
	"loam/machine/bootinfo"
	"loam/machine/frame"
)

// The ring lies in the hole of the image between the boot segment and the text.

// releaseBoot gives back what of the image has served, and what it leaves
// unused below its text, without the ring if there is one.
func releaseBoot() {
	hole, text := header.BootEnd, header.TextStart-imageMap
	at, code := bootinfo.Uint(CommandLine(), "ring")
	if code != bootinfo.OK || at < hole || at > text || text-at < channel.RingSize || at%pageSize != 0 {
		frames.Release(header.BootStart, text, frame.Kernel)
		return
	}
	frames.Release(header.BootStart, at, frame.Kernel)
	if end := at + channel.RingSize; end < text {
		frames.Release(end, text, frame.Kernel)
	}
	ring = uint64(memory.Virtual(at))
}
