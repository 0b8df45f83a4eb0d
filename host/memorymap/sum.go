// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"fmt"
	"math/bits"
	"strings"

	"loam/abi/channel"
)

// Orders is the number of orders that free blocks are counted by: the largest
// block is 2^(Orders-1) frames.
const Orders = 19

// largeOrder is the order of a large page, 2 MiB.
const largeOrder = 9

// Sum are the figures of a map, in frames where nothing else is said.
type Sum struct {
	Total   uint64 // in the regions
	Free    uint64 // of them, caches included
	Cached  uint64 // free, in a CPU's cache
	Largest uint64 // the largest free block
	Small   uint64 // free in blocks below 2 MiB, caches included
	Outside uint64 // taken and in no region
	Blocks  [Orders]uint64
	Owned   []OwnerSum // by falling size, only those who have something
}

// OwnerSum is what an owner has.
type OwnerSum struct {
	Owner  Owner
	Name   string
	Frames uint64
	Shared uint64 // of them with more than one reference
	Runs   uint64 // frames that were taken together: how many times
	Inside bool   // in the regions
}

// LargestShare is the largest free block as a share of the free memory.
func (s *Sum) LargestShare() float64 { return share(s.Largest, s.Free) }

// Fragmentation is the share of the free memory that can't be had as large pages,
// being in blocks below 2 MiB: what Linux calls the unusable free space index for
// that size (mm/vmstat.c, unusable_free_index).
func (s *Sum) Fragmentation() float64 { return share(s.Small, s.Free) }

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// order is that of a free block; the rest of one that was cut counts as the
// largest block in it.
func (b *Block) order() int { return min(bits.Len64(b.Frames)-1, Orders-1) }

// Sum adds up.
func (m *Map) Sum() *Sum {
	s := &Sum{}
	var owned [2][maxOwners]OwnerSum
	for i := range m.Blocks {
		b := &m.Blocks[i]
		inside := 1
		if b.Kind == channel.MapOutside {
			s.Outside += b.Frames
			inside = 0
		} else {
			s.Total += b.Frames
		}
		if !b.Free() {
			o := &owned[inside][b.Owner]
			o.Frames += b.Frames
			if b.Shared {
				o.Shared += b.Frames
			}
			if b.Kind == channel.MapRun {
				o.Runs++
			}
			continue
		}
		s.addFree(b)
	}
	for inside := range owned {
		for o := range owned[inside] {
			if x := owned[inside][o]; x.Frames > 0 {
				x.Owner, x.Name, x.Inside = Owner(o), m.Owners[o], inside == 1
				s.insert(x)
			}
		}
	}
	return s
}

func (s *Sum) addFree(b *Block) {
	s.Free += b.Frames
	if b.Kind == channel.MapCached {
		s.Cached += b.Frames
		s.Small += b.Frames
		s.Largest = max(s.Largest, 1)
		return
	}
	s.Blocks[b.order()]++
	s.Largest = max(s.Largest, b.Frames)
	if b.order() < largeOrder {
		s.Small += b.Frames
	}
}

// insert keeps Owned by falling size.
func (s *Sum) insert(x OwnerSum) {
	s.Owned = append(s.Owned, x)
	for i := len(s.Owned) - 1; i > 0 && s.Owned[i-1].Frames < x.Frames; i-- {
		s.Owned[i-1], s.Owned[i] = s.Owned[i], s.Owned[i-1]
	}
}

// size says a number of frames in bytes, with three digits at most.
func size(frames uint64) string {
	v, unit := float64(frames)*pageSize, 0
	for v >= 1024 && unit < 4 {
		v /= 1024
		unit++
	}
	digits := 0
	switch {
	case v == float64(uint64(v)) || v >= 100:
	case v >= 10:
		digits = 1
	default:
		digits = 2
	}
	text := fmt.Sprintf("%.*f", digits, v)
	if digits > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " " + []string{"B", "KiB", "MiB", "GiB", "TiB"}[unit]
}

// percent says a share; what is there is never 0 %.
func percent(part, whole uint64) string {
	p := 100 * share(part, whole)
	switch {
	case part == whole && whole > 0:
		return "100 %"
	case p == 0:
		return "0 %"
	case p < 0.01:
		return "<0.01 %"
	case p < 1:
		return fmt.Sprintf("%.2f %%", p)
	}
	return fmt.Sprintf("%.1f %%", min(p, 99.9))
}

// address says where a frame lies.
func address(frame uint64) string { return fmt.Sprintf("%#x", frame<<pageShift) }

// count says a number with commas between its thousands.
func count(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
