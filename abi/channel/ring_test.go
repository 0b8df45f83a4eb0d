// SPDX-License-Identifier: Apache-2.0

package channel

import "testing"

// TestRingLayout holds that nothing in the ring overlaps and all is inside.
func TestRingLayout(t *testing.T) {
	owner := make([]int, RingSize)
	claim := func(at, n, who int) {
		for i := at; i < at+n; i++ {
			if owner[i] != 0 && owner[i] != who {
				t.Fatalf("byte %d is used by %d and %d", i, owner[i], who)
			}
			owner[i] = who
		}
	}
	claim(OutTaken, 4, 1)
	claim(InTaken, 4, 2)
	for n := range 256 {
		at, size := OutSlot(uint8(n))
		if next, _ := OutSlot(uint8(n + 1)); next != at+SlotSize && size != SlotSize {
			t.Fatalf("slot %d: %d bytes at %d, the next at %d", n, size, at, next)
		}
		claim(at, size, 3)
		at, size = InSlot(uint8(n))
		if next, _ := InSlot(uint8(n + 1)); next != at+SlotSize && size != SlotSize {
			t.Fatalf("slot %d: %d bytes at %d, the next at %d", n, size, at, next)
		}
		claim(at, size, 4)
	}
	if Slots(MaxPayload) > OutSlots || Slots(MaxPayload) > InSlots {
		t.Fatal("the largest payload does not fit")
	}
	if RingAddr%(1<<16) != 0 || RingSize%(1<<16) != 0 {
		t.Fatal("not a multiple of every host's page size")
	}
}

func TestSlots(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, SlotSize: 1, SlotSize + 1: 2, MaxPayload: MaxPayload / SlotSize} {
		if got := Slots(n); got != want {
			t.Errorf("%d bytes: %d slots, want %d", n, got, want)
		}
	}
}

// TestFree tries every pair of counts against counting by hand; a pair that an
// honest side can't produce leaves no room.
func TestFree(t *testing.T) {
	for sent := range 256 {
		for taken := range 256 {
			used := 0
			for n := uint8(taken); n != uint8(sent); n++ {
				used++
			}
			want := OutSlots - used
			if used > OutSlots {
				want = 0
			}
			if got := Free(uint8(sent), uint8(taken), OutSlots); got != want {
				t.Fatalf("%d filled, %d taken: %d free, want %d", sent, taken, got, want)
			}
		}
	}
}
