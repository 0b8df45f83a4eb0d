// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/rand/v2"
	"testing"

	"loam/machine/phys"
)

// walk returns all blocks, and checks that they tile the model's regions.
func walk(t *testing.T, a *Allocator, m *model) []Block {
	t.Helper()
	var all []Block
	k, pa := 0, uint64(0)
	for {
		b, ok := a.Next(pa)
		if !ok {
			break
		}
		first := b.Addr >> phys.PageShift
		for k < len(m.spans) && first >= m.spans[k][1] {
			if pa != m.spans[k][1]<<phys.PageShift {
				t.Fatalf("the walk leaves the region %#x at %#x", m.spans[k], pa)
			}
			k++
			pa = 0
		}
		if k == len(m.spans) || b.Region != m.spans[k][0]<<phys.PageShift ||
			pa == 0 && b.Addr != b.Region || pa != 0 && b.Addr != pa {
			t.Fatalf("at %#x: %+v", pa, b)
		}
		pa = b.Addr + b.Frames<<phys.PageShift
		if pa <= b.Addr || pa > m.spans[k][1]<<phys.PageShift {
			t.Fatalf("%+v leaves its region", b)
		}
		all = append(all, b)
	}
	if k != len(m.spans)-1 || pa != m.spans[k][1]<<phys.PageShift {
		t.Fatalf("the walk ends at %#x in region %d of %d", pa, k, len(m.spans))
	}
	return all
}

// TestWalk compares walks with the model, which knows every frame on its own,
// and with the allocator's figures.
func TestWalk(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	x := newTrial(t, rng.Uint64)
	for range 60 {
		for range 200 {
			x.step()
		}
		var free, cached, largest uint64
		var owned [Owners]uint64
		for _, b := range walk(t, x.a, x.m) {
			first := b.Addr >> phys.PageShift
			holder := x.m.holder[first]
			switch b.State {
			case StateFree, StateCached:
				for i := range b.Frames {
					if h := x.m.holder[first+i]; h != nil || b.Owner != Nobody || b.Shared {
						t.Fatalf("%+v, the model has %+v", b, h)
					}
				}
				if b.State == StateCached {
					cached++
				} else {
					largest = max(largest, b.Frames)
				}
				free += b.Frames
			case StateSingle, StateRun:
				if holder == nil || holder.first != first || holder.n != b.Frames || holder.owner != b.Owner ||
					b.Shared != (holder.count > 1) || (b.State == StateSingle) != (b.Frames == 1) {
					t.Fatalf("%+v, the model has %+v", b, holder)
				}
				owned[b.Owner] += b.Frames
			default:
				t.Fatalf("%+v", b)
			}
		}
		s := x.a.Stats()
		if free != s.Free || cached != s.Cached || owned != s.Owned || largest != s.Largest && cached == 0 {
			t.Fatalf("%d free, %d cached, %v, largest %d; the figures say %+v", free, cached, owned, largest, s)
		}
	}
}

// TestWalkFromInside begins at every frame: what comes is the rest of the block.
func TestWalkFromInside(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	x := newTrial(t, rng.Uint64)
	for range 3000 {
		x.step()
	}
	for _, whole := range walk(t, x.a, x.m) {
		for i := range whole.Frames {
			want := whole
			want.Addr += i << phys.PageShift
			want.Frames -= i
			if got, ok := x.a.Next(want.Addr + 4095*(i&1)); !ok || got != want {
				t.Fatalf("frame %d of %+v: %+v, %v", i, whole, got, ok)
			}
		}
	}
	for _, pa := range []uint64{64 * mib, 1 << 44, 1<<64 - 1} {
		if b, ok := x.a.Next(pa); ok {
			t.Fatalf("%#x: %+v", pa, b)
		}
	}
	if b, ok := new(Allocator).Next(0); ok {
		t.Fatalf("an allocator without memory: %+v", b)
	}
}

// TestWalkTorn changes memory between every two steps: the walk still tiles the
// regions and ends.
func TestWalkTorn(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	x := newTrial(t, rng.Uint64)
	total := x.a.Stats().Total
	for range 5 {
		sum, pa := uint64(0), uint64(0)
		for {
			b, ok := x.a.Next(pa)
			if !ok {
				break
			}
			if b.Addr < pa || b.Frames == 0 {
				t.Fatalf("from %#x: %+v", pa, b)
			}
			sum += b.Frames
			pa = b.Addr + b.Frames<<phys.PageShift
			x.step()
		}
		if sum != total {
			t.Fatalf("%d frames of %d", sum, total)
		}
	}
}
