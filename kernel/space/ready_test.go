// SPDX-License-Identifier: Apache-2.0

package space

import "testing"

// TestReadyOutside: what isn't the program's is never ready, whatever was reached before.
func TestReadyOutside(t *testing.T) {
	const low = 0x10000
	b := newBench(t, format, 4*mib)
	s := b.space(low, format.UserEnd, 0)
	if _, errno := s.MMap(low, 2*page, rw, fixed, 0); errno != 0 {
		t.Fatal(errno)
	}
	if s.ReadyToRead(low, 8) != nil {
		t.Error("a page that was never touched is ready")
	}
	if errno := s.WriteUint64(low, 1); errno != 0 {
		t.Fatal(errno)
	}
	if got := s.ReadyToWrite(low, page); len(got) != page || got[0] != 1 {
		t.Errorf("%d bytes of a page that was written are ready", len(got))
	}
	for _, va := range []uint64{0, low - page, low + page, format.UserEnd, kernelHalf(), kernelHalf() + low, 1 << 62, ^uint64(0) - 7, ^uint64(page - 1)} {
		if s.ReadyToRead(va, 8) != nil || s.ReadyToWrite(va, 8) != nil {
			t.Errorf("%#x is ready", va)
		}
	}
	if s.ReadyToRead(low+page-4, 8) != nil {
		t.Error("two pages are ready")
	}
	b.destroy(s)
}
