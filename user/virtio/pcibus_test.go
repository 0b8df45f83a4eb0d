// SPDX-License-Identifier: Apache-2.0

package virtio

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"loam/user/virtio/virtiotest"
)

// bus is configuration space of some functions, as a PC's ports and as memory show it.
type bus struct {
	spaces  map[Function][]byte
	address uint32
	broken  bool
}

var errBroken = errors.New("broken")

func (b *bus) space(address uint32) []byte {
	s := b.spaces[Function{uint8(address >> 16), uint8(address>>11) & 31, uint8(address>>8) & 7}]
	if s == nil {
		s = slices.Repeat([]byte{0xff}, ECAMSize)
	}
	return s
}

func (b *bus) In(port uint16, width int) (uint32, error) {
	if b.broken {
		return 0, errBroken
	}
	at := int(b.address&0xfc) + int(port-0xcfc)
	var v [4]byte
	copy(v[:], b.space(b.address)[at:at+width])
	return binary.LittleEndian.Uint32(v[:]), nil
}

func (b *bus) Out(port uint16, width int, v uint32) error {
	if port == 0xcf8 {
		if width != 4 || v>>24 != 0x80 || v&3 != 0 {
			return errBroken
		}
		b.address = v
		return nil
	}
	at := int(b.address&0xfc) + int(port-0xcfc)
	var w [4]byte
	binary.LittleEndian.PutUint32(w[:], v)
	copy(b.space(b.address)[at:at+width], w[:])
	return nil
}

func TestFunctions(t *testing.T) {
	b := &bus{spaces: map[Function][]byte{}}
	want := []Function{{2, 0, 0}, {2, 3, 0}, {2, 3, 5}, {2, 31, 0}}
	for _, f := range append(want, Function{2, 31, 7}, Function{1, 0, 0}, Function{2, 8, 1}) {
		b.spaces[f] = make([]byte, ECAMSize)
		b.spaces[f][0] = f.Device
	}
	b.spaces[Function{2, 3, 0}][0xe] = 0x80
	all := make(Mapped, 3<<20)
	for i := range all {
		all[i] = 0xff
	}
	for f, s := range b.spaces {
		copy(all[f.ECAM():], s)
	}
	for name, space := range map[string]func(Function) ConfigSpace{
		"ports": func(f Function) ConfigSpace { return PortSpace(b, f) },
		"ecam":  func(f Function) ConfigSpace { return ECAMSpace(Part(all, f.ECAM(), ECAMSize)) },
	} {
		var got []Function
		for f, c := range Functions(2, space) {
			got = append(got, f)
			if v := c.Read(0, 1); v != uint32(f.Device) {
				t.Errorf("%s: %v reads %#x", name, f, v)
			}
			c.Write(0x11, 1, 0xaa)
			c.Write(0x12, 2, 0xbbcc)
			c.Write(0x14, 4, 0x11223344)
			if a, b, d := c.Read(0x10, 4), c.Read(0x12, 2), c.Read(0x14, 4); a != 0xbbccaa00 || b != 0xbbcc || d != 0x11223344 {
				t.Errorf("%s: %#x %#x %#x", name, a, b, d)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", name, got)
		}
		for range Functions(2, space) {
			break
		}
	}
	b.broken = true
	if v := PortSpace(b, want[0]).Read(0, 4); v != 1<<32-1 {
		t.Errorf("%#x", v)
	}
}

// TestPortDevice: a virtio function is found by way of ports.
func TestPortDevice(t *testing.T) {
	p := virtiotest.NewPCI(newBench(t).dev)
	b := &bus{spaces: map[Function][]byte{{0, 4, 0}: p.Space[:]}}
	for f, c := range Functions(0, func(f Function) ConfigSpace { return PortSpace(b, f) }) {
		if id, err := pciID(c); id != testType || err != nil || f != (Function{0, 4, 0}) {
			t.Error(f, id, err)
		}
	}
}
