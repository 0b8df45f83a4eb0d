// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"bytes"
	"fmt"

	"loam/abi/channel"
)

// Text writes the map as tables: the figures, what each owner has, and for each
// region how many free blocks of each order there are.
func (m *Map) Text(info Info) []byte {
	s := m.Sum()
	var b bytes.Buffer
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("physical memory of %s (%s, %d MiB, %s)", printable(info.Program), printable(info.Machine), info.MemoryMiB, processors(info.CPUs))
	line("%s", m.moment())
	line("")
	line("%10s free of %s: %s", size(s.Free), size(s.Total), percent(s.Free, s.Total))
	line("%10s largest free block: %s of what is free", size(s.Largest), percent(s.Largest, s.Free))
	line("%10s external fragmentation: free, but in blocks below 2 MiB", percent(s.Small, s.Free))
	line("%10s kept from programs, for the kernel", size(m.Reserve))
	line("")
	line("%-24s %10s %9s %10s %8s %8s", "owner", "size", "share", "frames", "runs", "shared")
	for _, o := range s.Owned {
		name := o.Name
		if !o.Inside {
			name += " (no region)"
		}
		line("%-24s %10s %9s %10d %8d %8d", name, size(o.Frames), percent(o.Frames, s.Total+s.Outside), o.Frames, o.Runs, o.Shared)
	}
	line("%-24s %10s %9s %10d", "free", size(s.Free), percent(s.Free, s.Total+s.Outside), s.Free)
	line("")
	line("free blocks, by order (0 is 4 KiB, 9 is 2 MiB, 18 is 1 GiB); c: frames in caches of CPUs")
	m.buddies(line)
	return b.Bytes()
}

// buddies writes a line for each region.
func (m *Map) buddies(line func(string, ...any)) {
	head := fmt.Sprintf("%-28s %6s", "region", "c")
	for order := range Orders {
		head += fmt.Sprintf(" %5d", order)
	}
	line("%s", head)
	for _, r := range m.Regions {
		var free [Orders]uint64
		var cached uint64
		for i := m.at(r.Frame); i < len(m.Blocks) && m.Blocks[i].Frame < r.End; i++ {
			switch b := &m.Blocks[i]; b.Kind {
			case channel.MapFree:
				free[b.order()]++
			case channel.MapCached:
				cached += b.Frames
			}
		}
		text := fmt.Sprintf("%-28s %6d", address(r.Frame)+"-"+address(r.End), cached)
		for _, n := range free {
			text += fmt.Sprintf(" %5d", n)
		}
		line("%s", text)
	}
}
