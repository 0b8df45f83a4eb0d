// SPDX-License-Identifier: Apache-2.0

package pcid

import (
	"context"
	"encoding/binary"
	"errors"
	"syscall"
	"testing"

	"loam/abi"
	"loam/user/object"
	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

// bench is a bus of functions, and a machine that notes what is made of them.
type bench struct {
	t         testing.TB
	functions map[virtio.Function]virtio.ConfigSpace
	devices   map[virtio.Function]*virtiotest.PCI
	memory    []span // where there is memory, or what the kernel keeps
	messages  bool
	stuck     bool            // devices don't reset
	lines     map[uint32]bool // that somebody has

	given   map[object.Handle]span // memory objects that are open
	next    object.Handle
	revoked []object.Handle
	said    []string
	caller  uint64
}

func newBench(t testing.TB) *bench {
	return &bench{
		t: t, functions: map[virtio.Function]virtio.ConfigSpace{}, devices: map[virtio.Function]*virtiotest.PCI{}, messages: true,
		memory: []span{{0, 1 << 30}, {0xfee00000, 0xfef00000}}, lines: map[uint32]bool{}, given: map[object.Handle]span{}, next: 1, caller: 1,
	}
}

var put32 = binary.LittleEndian.PutUint32

// add adds an entropy device, with its BARs at at and 64 KiB further.
func (x *bench) add(device uint8, at uint64) *virtiotest.PCI {
	p := virtiotest.NewPCI(&virtiotest.Device{Type: virtio.DeviceEntropy, Features: virtio.FeatureVersion1, Max: []int{8}})
	put32(p.Space[0x14:], uint32(at)&^15)
	put32(p.Space[0x20:], (uint32(at)+0x10000)|12)
	if at == 0 {
		put32(p.Space[0x20:], 12)
	}
	put32(p.Space[0x24:], uint32(at>>32))
	f := virtio.Function{Device: device}
	x.functions[f], x.devices[f] = p, p
	return p
}

// plain is a function that isn't virtio's. Nobody is to write there.
type plain struct {
	t     testing.TB
	space [256]byte
}

func (p *plain) Read(at, width int) (v uint32) {
	for i := range width {
		v |= uint32(p.space[at+i]) << (8 * i)
	}
	return v
}
func (p *plain) Write(at, width int, v uint32) { p.t.Errorf("%d bytes written at %#x", width, at) }

// other adds one.
func (x *bench) other(device uint8) *plain {
	p := &plain{t: x.t}
	put32(p.space[0:], 0x2922_8086)
	x.functions[virtio.Function{Device: device}] = p
	return p
}

func (x *bench) space(f virtio.Function) virtio.ConfigSpace {
	if c := x.functions[f]; c != nil {
		return c
	}
	return nowhere{}
}

func (x *bench) Memory(at, size uint64) (object.Handle, error) {
	s := spanOf(at, size)
	if size == 0 || (at|size)%pageSize != 0 || s.end < at {
		return 0, syscall.EINVAL
	}
	for _, m := range x.memory {
		if s.meets(m) {
			return 0, syscall.EBUSY
		}
	}
	x.next++
	x.given[x.next] = s
	return x.next, nil
}

// Map gives registers of the function that has the address.
func (x *bench) Map(at, size uint64) (virtio.Registers, error) {
	if _, err := x.Memory(at, size); err != nil {
		return nil, err
	}
	delete(x.given, x.next)
	for _, p := range x.devices {
		bars := [2]uint64{uint64(binary.LittleEndian.Uint32(p.Space[0x14:])), binary.LittleEndian.Uint64(p.Space[0x20:]) &^ 15}
		for i, n := range [2]uint64{0x1000, 0x4000} {
			if bars[i] <= at && at+size <= bars[i]+n {
				r := virtiotest.PCIRegisters{PCI: p, BAR: [2]int{1, 4}[i], Offset: int(at - bars[i]), Length: int(size)}
				if x.stuck {
					return stuck{r}, nil
				}
				return r, nil
			}
		}
	}
	return nil, syscall.ENXIO
}

// stuck are registers of a device that is never reset.
type stuck struct{ virtiotest.PCIRegisters }

func (stuck) Read8(int) uint8 { return 1 }

func (x *bench) Message(mask uint64) (object.Handle, virtio.Message, error) {
	if !x.messages {
		return 0, virtio.Message{}, syscall.ENODEV
	}
	if mask%16 != 12 {
		x.t.Errorf("a mask at %#x", mask)
	}
	x.next++
	return x.next, virtio.Message{Address: 0xfee00000, Data: uint32(0x40 + x.next)}, nil
}

func (x *bench) Line(line uint32) (object.Handle, error) {
	if x.lines[line] {
		return 0, syscall.EBUSY
	}
	x.lines[line] = true
	x.next++
	return x.next, nil
}

func (x *bench) Revoke(h object.Handle) error { x.revoked = append(x.revoked, h); return nil }
func (x *bench) Close(h object.Handle) error  { delete(x.given, h); return nil }

const configAt = 0xb0000000

// bus gives a bus service in which badge 1 has all devices, in the order of their numbers.
func (x *bench) bus() *bus {
	b := &bus{
		machine: x, config: spanOf(configAt, 1<<28), window: span{0xd0000000, 0xe0000000}, lines: lines{20, 25},
		grants: map[uint64][]virtio.Function{}, caller: func(context.Context) uint64 { return x.caller },
		say: func(text string) { x.said = append(x.said, text) },
	}
	for device := range uint8(32) {
		if f := (virtio.Function{Device: device}); x.functions[f] != nil {
			b.grants[1] = append(b.grants[1], f)
		}
	}
	b.prepare(x.space)
	return b
}

// take takes all that there is of a function.
func (x *bench) take(b *bus, i uint32) (Function, []object.Handle, error) {
	f, h, err := b.Take(context.Background(), i, false)
	if err != nil {
		return f, nil, err
	}
	if h.Rights != abi.RightManage {
		x.t.Errorf("rights %#x to an interrupt", h.Rights)
	}
	all := []object.Handle{h.Handle}
	for which := range f.Structures {
		p, err := b.Registers(context.Background(), i, uint32(which))
		if f.Structures[which].Size == 0 {
			if err != syscall.EINVAL {
				x.t.Errorf("structure %d: %v", which, err)
			}
			continue
		}
		if err != nil || p.Rights != abi.RightRead|abi.RightWrite {
			x.t.Errorf("structure %d: %+v, %v", which, p, err)
		}
		all = append(all, p.Handle)
	}
	return f, all, nil
}

// command is what a function's command says.
func command(p *virtiotest.PCI) uint32 { return p.Read(4, 2) }

const (
	ready    = 0x406 // it answers, reaches memory, and has no INTx
	readyPin = 0x006
)

// TestTake: what a driver gets, who else gets it, and what becomes of who had it.
func TestTake(t *testing.T) {
	x := newBench(t)
	p := x.add(4, 0xfe000000)
	x.other(0)
	b := x.bus()
	b.grants = map[uint64][]virtio.Function{7: {{Device: 4}}, 8: {{Device: 4}, {Device: 9}, {Device: 0}}}
	for caller, want := range map[uint64][]error{0: {syscall.EACCES}, 7: {nil, syscall.EACCES}, 8: {nil, syscall.ENODEV, syscall.ENODEV, syscall.EACCES}} {
		x.caller = caller
		for i, want := range want {
			if _, _, err := b.Take(t.Context(), uint32(i), false); !errors.Is(err, want) {
				t.Errorf("caller %d, %d: %v, want %v", caller, i, err, want)
			}
		}
	}
	x.caller = 7
	if _, _, err := b.Take(t.Context(), 1<<32-1, false); err != syscall.EACCES {
		t.Error(err)
	}
	f, handles, err := x.take(b, 0)
	if err != nil || f.ID != virtio.DeviceEntropy || f.Vectors != 1 || f.Kept || len(handles) != 5 || f.Multiplier != 4 {
		t.Fatalf("%+v, %v, %v", f, handles, err)
	}
	for i, want := range []uint64{Common: 0, Notify: 0x3000, ISR: 0x1000, Device: 0x2000} {
		if s := x.given[handles[1+i]]; s != (span{0xfe010000 + want, 0xfe011000 + want}) || f.Structures[i] != (Place{0, 0x1000}) {
			t.Errorf("structure %d: %#x, %+v", i, s, f.Structures[i])
		}
	}
	if command(p) != ready || binary.LittleEndian.Uint32(p.Table[8:]) != uint32(0x40+handles[0]) || p.Table[12] != 0 {
		t.Errorf("command %#x, table %x", command(p), p.Table)
	}
	l := f.Layout()
	if l.Common != (virtio.Region{BAR: Common, Offset: 0, Size: 0x1000}) || l.Device.BAR != Device || l.MSIX.At != 0 {
		t.Errorf("%+v", l)
	}

	// Another instance, with the device kept or not; and another caller, to whom it never is.
	for _, c := range []struct {
		caller     uint64
		keep, kept bool
	}{{7, true, true}, {7, false, false}, {8, true, false}, {7, true, false}, {7, true, true}} {
		x.caller, x.revoked = c.caller, nil
		status := virtiotest.PCIRegisters{PCI: p, BAR: 4, Offset: 0, Length: 0x38}
		status.Write8(0x14, virtio.StatusAcknowledge)
		g, h, err := b.Take(t.Context(), 0, c.keep)
		if err != nil || g.Kept != c.kept || h.Handle != handles[0] || len(x.revoked) != 5 {
			t.Errorf("%+v: %+v, %v, %v", c, g, x.revoked, err)
		}
		if s := status.Read8(0x14); s != 0 != c.kept {
			t.Errorf("%+v: status %d", c, s)
		}
		if command(p) != ready {
			t.Errorf("%+v: command %#x", c, command(p))
		}
		x.caller = 15 - c.caller
		if _, err := b.Registers(t.Context(), 0, Common); err != syscall.ESTALE {
			t.Errorf("%+v: who doesn't have it: %v", c, err)
		}
	}
	if p.Err != nil {
		t.Error(p.Err)
	}
}
