// SPDX-License-Identifier: Apache-2.0

package bootinfo

import (
	"encoding/binary"
	"testing"
)

func TestImageHeaderLayout(t *testing.T) {
	want := ImageHeader{
		Magic: ImageMagic, Entry: 1, TextStart: 2, TextEnd: 3, RodataStart: 4, RodataEnd: 5,
		DataStart: 6, DataEnd: 7, ImageStart: 8, ImageEnd: 9, BootStart: 10, BootEnd: 11,
		StageStart: 12, StageEnd: 0x1122334455667788,
	}
	b := make([]byte, ImageHeaderSize)
	if want.Encode(b[:ImageHeaderSize-1]) {
		t.Error("Encode into a short buffer reported success")
	}
	if !want.Encode(b) {
		t.Fatal("Encode failed")
	}
	if string(b[:8]) != "LOAMIMG1" {
		t.Errorf("magic in memory order is %q, want LOAMIMG1", b[:8])
	}
	// The kernel reads the header as a struct in place: the encoding must be
	// the memory layout, field by field.
	for i := 1; i < 13; i++ {
		if got := binary.LittleEndian.Uint64(b[8*i:]); got != uint64(i) {
			t.Errorf("word %d is %d, want %d", i, got, i)
		}
	}
	var h ImageHeader
	if !h.Decode(b) || h != want {
		t.Errorf("Decode gave %+v, want %+v", h, want)
	}
	if n := binary.Size(h); n != ImageHeaderSize {
		t.Errorf("struct is %d bytes, ImageHeaderSize says %d", n, ImageHeaderSize)
	}
	b[0]++
	if h.Decode(b) {
		t.Error("Decode accepted a wrong magic")
	}
	if h.Decode(b[:ImageHeaderSize-1]) {
		t.Error("Decode accepted a short buffer")
	}
}
