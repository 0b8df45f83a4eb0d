// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
	"loam/user/virtio"
	"loam/user/virtio/rng"
)

// messageErrors tries what messages refuse, without a device that would send one.
func messageErrors() error {
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	create := func(m, mask uint64) error {
		v, err := sys.ObjectCall(abi.CallInterruptCreateMessage, m, mask)
		if err == nil {
			object.Close(object.Handle(v))
		}
		return err
	}
	m, N := uint64(machine), uint64(n)
	err = first(
		want("no handle", syscall.EBADF, create(0, 0)),
		want("another kind", syscall.ENOTSUP, create(N, 0)),
		want("not a multiple of 4", syscall.EINVAL, create(m, configSpace+2)),
		want("no such address", syscall.EINVAL, create(m, 1<<63)),
		narrowed(abi.RightManage, func(h object.Handle) error {
			return want("no right", syscall.EACCES, create(uint64(h), 0))
		}),
	)
	for _, r := range taken[:5] { // others have but some registers of their page
		err = first(err, want(r.what, syscall.EBUSY, create(m, r.addr&^3)))
	}
	if err != nil {
		return err
	}
	if runtime.GOARCH != "amd64" {
		return want("there are none", syscall.ENODEV, create(m, 0))
	}
	i, err1 := machine.NewMessageInterrupt(configSpace + 0x400)
	line, err2 := machine.NewInterrupt(clockLine, clockFlags)
	if err := first(err1, err2); err != nil {
		return err
	}
	defer line.Close()
	part := func(i object.Interrupt, which uint64) error {
		return second(sys.ObjectCall(abi.CallInterruptMessage, uint64(i), which))
	}
	weak, err := object.Duplicate(object.Handle(i), abi.RightTransfer)
	if err != nil {
		return err
	}
	defer object.Close(weak)
	address, data, err := i.Message()
	if err != nil || address>>20 != 0xfee || data == 0 || data > 0xff {
		return fmt.Errorf("message %#x to %#x, %v", data, address, err)
	}
	err = first(
		want("no such part", syscall.EINVAL, part(i, 2)),
		want("a line", syscall.EINVAL, part(line, abi.MessageAddress)),
		want("no handle", syscall.EBADF, part(0, 0)),
		want("another kind", syscall.ENOTSUP, part(object.Interrupt(n), 0)),
		want("no right", syscall.EACCES, part(object.Interrupt(weak), 0)),
		i.Ack(), i.Bind(n, 1), i.Ack(), i.Bind(n, 2), silence(n, time.Millisecond),
	)
	return errors.Join(err, i.Close(), messagesRunOut())
}

// messagesRunOut takes all messages, which are different ones, and gives them back.
func messagesRunOut() error {
	for range 2 {
		var all []object.Interrupt
		seen := map[uint32]bool{}
		for {
			i, err := machine.NewMessageInterrupt(0)
			if err == syscall.ENOSPC {
				break
			}
			if err != nil {
				return err
			}
			_, data, err := i.Message()
			if err != nil || seen[data] {
				return fmt.Errorf("message %d: %#x again, %v", len(all), data, err)
			}
			seen[data] = true
			all = append(all, i)
		}
		if len(all) < 24 {
			return fmt.Errorf("there are %d messages", len(all))
		}
		for _, i := range all {
			if err := i.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// sender is an entropy device behind PCI, whose one message signals bit 1 of note.
type sender struct {
	transport virtio.Transport
	arena     *virtio.Arena
	source    *rng.Source
	table     virtio.Registers
	interrupt object.Interrupt
	note      object.Notification
}

// messages has an entropy device send messages, and not be heard at once.
func messages() {
	s, err := openSender()
	if err != nil {
		fail(err)
	}
	if s.source, err = rng.Open(s.transport, s.arena); err != nil {
		fail(err)
	}
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"before it is bound", func() error {
			return first(s.ask(), silence(s.note, 50*time.Millisecond), s.interrupt.Bind(s.note, 1), s.heard(), s.interrupt.Ack(), s.quiet())
		}},
		{"one by one", func() error {
			for range 10 {
				if err := first(s.ask(), s.heard(), s.interrupt.Ack()); err != nil {
					return err
				}
			}
			return s.quiet()
		}},
		{"not acknowledged", func() error {
			if err := first(s.ask(), s.heard(), s.masked(false), s.ask(), s.quiet(), s.masked(true)); err != nil {
				return err
			}
			for range 5 { // which the device keeps
				if err := first(s.ask(), s.quiet()); err != nil {
					return err
				}
			}
			// The one that came second is signalled by Ack, and then comes the one that the
			// device has kept.
			err := first(s.interrupt.Ack(), s.heard(), s.interrupt.Ack())
			if got, _ := s.note.Wait(1, object.After(50*time.Millisecond)); got == 1 {
				err = first(err, s.interrupt.Ack())
			}
			return first(err, s.masked(false), s.quiet())
		}},
		{"bound anew", func() error {
			other, err := object.NewNotification()
			if err != nil {
				return err
			}
			defer other.Close()
			err = first(s.ask(), s.heard(), s.interrupt.Bind(other, 2), expect(other, 2), s.interrupt.Ack(), silence(other, 50*time.Millisecond))
			return first(err, s.ask(), expect(other, 2), s.interrupt.Bind(s.note, 1), s.heard(), s.interrupt.Ack(), s.quiet())
		}},
		{"closed", func() error {
			return first(s.interrupt.Close(), s.ask(), s.quiet())
		}},
	} {
		if err := step.do(); err != nil {
			fail(fmt.Errorf("%s: %w", step.name, err))
		}
	}
}

func (s *sender) heard() error { return expect(s.note, 1) }
func (s *sender) quiet() error { return silence(s.note, 50*time.Millisecond) }

// ask asks the device for bytes, and takes them. It has sent a message then.
func (s *sender) ask() error {
	if err := s.source.Ask(); err != nil {
		return err
	}
	var b [rng.BufferSize]byte
	for begin := time.Now(); time.Since(begin) < long; {
		if n, err := s.source.Take(b[:]); n > 0 || err != nil {
			return err
		}
	}
	return errors.New("no bytes")
}

// masked wants the device's first vector to be masked, or not.
func (s *sender) masked(want bool) error {
	if got := s.table.Read32(12)&1 != 0; got != want {
		return fmt.Errorf("masked %v", got)
	}
	return nil
}

// openSender looks for the device on the first bus.
func openSender() (*sender, error) {
	space, err := allFunctions()
	if err != nil {
		return nil, err
	}
	for _, c := range virtio.Functions(0, space) {
		bars, err := virtio.ReadBARs(c)
		if err != nil {
			return nil, err
		}
		l, err := virtio.ReadPCI(c, bars, false)
		if err == nil && l.ID == virtio.DeviceEntropy {
			return newSender(c, l, func(r virtio.Region) (virtio.Registers, error) { return open(bars[r.BAR], r) })
		}
	}
	return nil, errors.New("no entropy device")
}

// open maps a region of a BAR.
func open(b virtio.BAR, r virtio.Region) (virtio.Registers, error) {
	at := b.Address + r.Offset
	end := (at + r.Size + page - 1) &^ (page - 1)
	m, err := machine.DeviceMemory(at&^(page-1), end-at&^(page-1))
	if err != nil {
		return nil, err
	}
	va, err := object.Here.Map(m, 0, 0, end-at&^(page-1), abi.PROT_READ|abi.PROT_WRITE)
	if err != nil {
		return nil, err
	}
	return virtio.Part(virtio.Mapped(object.Bytes(va, end-at&^(page-1))), int(at%page), int(r.Size)), nil
}

func newSender(c virtio.ConfigSpace, l virtio.PCILayout, open func(virtio.Region) (virtio.Registers, error)) (*sender, error) {
	s := &sender{}
	table, err1 := open(l.MSIX.Table)
	at, err2 := tableAt(c, l)
	if err := first(err1, err2); err != nil {
		return nil, err
	}
	s.table = table
	virtio.EnablePCI(c)
	var err3, err4 error
	s.interrupt, err3 = machine.NewMessageInterrupt(at + 12)
	s.note, err4 = object.NewNotification()
	if err := first(err3, err4); err != nil {
		return nil, err
	}
	address, data, err := s.interrupt.Message()
	if err != nil {
		return nil, err
	}
	if err := virtio.EnableMSIX(c, l.MSIX, table, []virtio.Message{{Address: address, Data: data}}); err != nil {
		return nil, err
	}
	s.transport, err1 = virtio.NewPCI(l, open, 1)
	s.arena, err2 = newArena()
	return s, first(err1, err2)
}

// messageCosts is virtioCosts for an entropy device of q35, a QEMU argument of
//
//	-device virtio-rng-pci,max-bytes=16,period=1
func messageCosts() {
	s, err := openSender()
	if err != nil {
		fail(err)
	}
	d, err1 := virtio.Open(s.transport, virtio.Want{ID: virtio.DeviceEntropy})
	if err := first(err1, s.interrupt.Bind(s.note, 1)); err != nil {
		fail(err)
	}
	q, err1 := d.Queue(0, 8, 0, s.arena)
	buffer, err2 := s.arena.Cut(64)
	if err := first(err1, err2); err != nil {
		fail(err)
	}
	d.Start()
	m := &measured{interrupt: s.interrupt, note: s.note, device: d, queue: q}
	m.measure("message", func() uint64 { return m.idle([]virtio.Element{buffer.Element(0, buffer.Size())}) })
}

// tableAt gives the physical address of a table of vectors.
func tableAt(c virtio.ConfigSpace, l virtio.PCILayout) (uint64, error) {
	bars, err := virtio.ReadBARs(c)
	return bars[l.MSIX.Table.BAR].Address + l.MSIX.Table.Offset, err
}

// newArena gives memory for a device.
func newArena() (*virtio.Arena, error) {
	dma, err := machine.NewDMA(page, 0)
	if err != nil {
		return nil, err
	}
	at, err1 := object.Here.Map(dma, 0, 0, page, abi.PROT_READ|abi.PROT_WRITE)
	address, err2 := dma.Address(0)
	if err := first(err1, err2); err != nil {
		return nil, err
	}
	m, err := virtio.NewMemory(object.Bytes(at, page), address)
	return virtio.NewArena(m), err
}

// allFunctions gives the way to the configuration space of functions.
func allFunctions() (func(virtio.Function) virtio.ConfigSpace, error) {
	p, err := machine.NewPorts(virtio.PortConfigAddress, 8)
	return func(f virtio.Function) virtio.ConfigSpace { return virtio.PortSpace(p, f) }, err
}
