// SPDX-License-Identifier: Apache-2.0

package pcid

import (
	"context"
	"fmt"
	"syscall"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/virtio"
)

// bus is a Bus. One goroutine serves it.
type bus struct {
	machine   machine
	config    span // where configuration space is in memory
	window    span // where ranges are put that have no address; empty: nowhere
	lines     lines
	functions []*function
	grants    map[uint64][]virtio.Function // by badge
	caller    func(context.Context) uint64 // ipc.Caller
	say       func(text string)
}

// lines says where the pins of devices with numbers below count lead: the first one's.
type lines struct {
	first uint32
	count uint8
}

// prepare looks at what there is.
func (b *bus) prepare(space func(virtio.Function) virtio.ConfigSpace) {
	b.functions = scan(space)
	for _, f := range b.functions {
		if f.virtio && f.why == nil {
			f.why = f.assign(b.window, b.functions)
		}
	}
	for _, f := range b.functions {
		if f.virtio && f.why == nil {
			f.why = f.check(b.functions, b.config)
		}
	}
}

// find gives a caller's function.
func (b *bus) find(ctx context.Context, i uint32) (f *function, caller uint64, err error) {
	caller = b.caller(ctx)
	granted := b.grants[caller]
	if uint64(i) >= uint64(len(granted)) {
		return nil, caller, syscall.EACCES
	}
	for _, f := range b.functions {
		if f.at == granted[i] && f.virtio {
			return f, caller, nil
		}
	}
	b.say(fmt.Sprintf("%v: no virtio function is there", &function{at: granted[i]}))
	return nil, caller, syscall.ENODEV
}

// Take is for Bus.
func (b *bus) Take(ctx context.Context, i uint32, keep bool) (Function, ipc.Handle, error) {
	f, caller, err := b.find(ctx, i)
	if err != nil {
		return Function{}, ipc.Handle{}, err
	}
	fail := func(err error, e syscall.Errno) (Function, ipc.Handle, error) {
		b.say(fmt.Sprintf("%v: %v", f, err))
		return Function{}, ipc.Handle{}, e
	}
	if f.why != nil {
		return fail(f.why, syscall.ENOTSUP)
	}
	kept := keep && f.held != nil && f.owner == caller
	if f.held == nil {
		h, err := b.hold(f)
		if err != nil {
			return fail(err, syscall.ENOTSUP)
		}
		f.held = h
	} else if err := b.revoke(f); err != nil {
		return fail(err, syscall.EIO)
	}
	f.owner = caller
	if !kept {
		if err := b.ready(f); err != nil {
			f.owner = 0
			return fail(err, syscall.EIO)
		}
	}
	return f.describe(kept), ipc.Copy(f.held.interrupt, abi.RightManage), nil
}

// describe says what a driver needs to know.
func (f *function) describe(kept bool) Function {
	x := Function{ID: f.layout.ID, Multiplier: f.layout.Multiplier, Kept: kept}
	if f.held.message.Address != 0 {
		x.Vectors = 1
	}
	for i, r := range f.structures() {
		if r.Size > 0 {
			x.Structures[i] = Place{uint32(f.span(r).at % pageSize), uint32(r.Size)}
		}
	}
	return x
}

// Registers is for Bus.
func (b *bus) Registers(ctx context.Context, i, which uint32) (ipc.Handle, error) {
	f, caller, err := b.find(ctx, i)
	switch {
	case err != nil:
		return ipc.Handle{}, err
	case f.held == nil || f.owner != caller:
		return ipc.Handle{}, syscall.ESTALE
	case which >= numStructures || f.held.pages[which] == 0:
		return ipc.Handle{}, syscall.EINVAL
	}
	return ipc.Copy(f.held.pages[which], abi.RightRead|abi.RightWrite), nil
}

var _ Bus = (*bus)(nil)

// kernel is a machine.
type kernel struct{ object.Machine }

func (k kernel) Memory(at, size uint64) (object.Handle, error) {
	m, err := k.DeviceMemory(at, size)
	return object.Handle(m), err
}

func (k kernel) Map(at, size uint64) (virtio.Registers, error) {
	m, err := k.DeviceMemory(at, size)
	if err != nil {
		return nil, err
	}
	defer m.Close() // what is mapped stays
	va, err := object.Here.Map(m, 0, 0, size, abi.PROT_READ|abi.PROT_WRITE)
	if err != nil {
		return nil, err
	}
	return virtio.Mapped(object.Bytes(va, size)), nil
}

func (k kernel) Message(mask uint64) (object.Handle, virtio.Message, error) {
	i, err := k.NewMessageInterrupt(mask)
	if err != nil {
		return 0, virtio.Message{}, err
	}
	at, data, err := i.Message()
	if err != nil {
		_ = i.Close()
		return 0, virtio.Message{}, err
	}
	return object.Handle(i), virtio.Message{Address: at, Data: data}, nil
}

func (k kernel) Line(line uint32) (object.Handle, error) {
	i, err := k.NewInterrupt(line, abi.InterruptLevel)
	return object.Handle(i), err
}

func (k kernel) Revoke(h object.Handle) error { return object.Revoke(h) }
func (k kernel) Close(h object.Handle) error  { return object.Close(h) }
