// SPDX-License-Identifier: Apache-2.0

package sys

import (
	"bytes"
	"testing"
)

func TestRegisters(t *testing.T) {
	b := make([]byte, 16)
	WriteRegister32(b, 4, 0x44332211)
	WriteRegister16(b, 8, 0x6655)
	WriteRegister8(b, 10, 0x77)
	StoreShared(b, 12, 0xbbaa9988)
	want := []byte{0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0, 0x88, 0x99, 0xaa, 0xbb}
	if !bytes.Equal(b, want) {
		t.Errorf("% x, want % x", b, want)
	}
	if v := ReadRegister32(b, 4); v != 0x44332211 {
		t.Errorf("%#x", v)
	}
	if v := ReadRegister16(b, 6); v != 0x4433 {
		t.Errorf("%#x", v)
	}
	if v := ReadRegister8(b, 15); v != 0xbb {
		t.Errorf("%#x", v)
	}
	if v := LoadShared(b, 12); v != 0xbbaa9988 {
		t.Errorf("%#x", v)
	}
}

// TestOutside: what isn't in the bytes is not reached.
func TestOutside(t *testing.T) {
	b := make([]byte, 16)
	for name, f := range map[string]func(){
		"load":    func() { LoadShared(b[:14], 12) },
		"store":   func() { StoreShared(b[:14], 12, 1) },
		"read8":   func() { ReadRegister8(b[:8], 8) },
		"read16":  func() { ReadRegister16(b[:8], 7) },
		"read32":  func() { ReadRegister32(b[:8], -1) },
		"write8":  func() { WriteRegister8(b[:8], 8, 1) },
		"write16": func() { WriteRegister16(b[:9], 8, 1) },
		"write32": func() { WriteRegister32(b[:8], 5, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: outside, and no panic", name)
				}
			}()
			f()
		}()
	}
	if !bytes.Equal(b, make([]byte, 16)) {
		t.Errorf("% x", b)
	}
}
