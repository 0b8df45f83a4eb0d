// SPDX-License-Identifier: Apache-2.0

package pcid

import (
	"errors"
	"fmt"

	"loam/user/object"
	"loam/user/virtio"
)

// machine is what the service needs of the kernel.
type machine interface {
	// Memory makes an object of pages of registers.
	Memory(at, size uint64) (object.Handle, error)
	// Map maps registers for the service itself, for as long as it lives.
	Map(at, size uint64) (virtio.Registers, error)
	// Message makes an interrupt without a line, which the register at mask masks.
	Message(mask uint64) (object.Handle, virtio.Message, error)
	// Line makes an interrupt of a line of PCI's: by level, and high, as QEMU's are.
	Line(line uint32) (object.Handle, error)
	// Revoke closes all copies of a handle.
	Revoke(h object.Handle) error
	Close(h object.Handle) error
}

// held is what the service has of a function that has been taken. It is made once, and handed out
// to each who takes the function.
type held struct {
	transport virtio.Transport // to reset the device
	pages     [numStructures]object.Handle
	interrupt object.Handle
	table     virtio.Registers // of MSI-X
	message   virtio.Message   // Address 0: the interrupt is a line
}

// Errors of what can't be handed out.
var (
	errNoLine = errors.New("it has no MSI-X that could be used, and where its interrupt line leads isn't known")
	errLine   = errors.New("its interrupt line")
)

// maskOffset is where in a vector's entry of the table its mask is (PCI 3.0, 6.8.2).
const maskOffset = 12

// hold makes what is handed out of a function.
func (b *bus) hold(f *function) (h *held, err error) {
	h = &held{}
	defer func() {
		if err != nil {
			b.release(h)
		}
	}()
	if err = b.holdInterrupt(f, h); err != nil {
		return h, err
	}
	for i, r := range f.structures() {
		if r.Size == 0 {
			continue
		}
		p := f.span(r).pages()
		if h.pages[i], err = b.machine.Memory(p.at, p.end-p.at); err != nil {
			return h, fmt.Errorf("its registers at %#x: %w", p.at, err)
		}
	}
	virtio.AnswerPCI(f.space)
	h.transport, err = virtio.NewPCI(f.layout, func(r virtio.Region) (virtio.Registers, error) { return b.open(f, r) }, 0)
	return h, err
}

// open maps a region of a function for the service itself.
func (b *bus) open(f *function, r virtio.Region) (virtio.Registers, error) {
	s := f.span(r)
	p := s.pages()
	all, err := b.machine.Map(p.at, p.end-p.at)
	if err != nil {
		return nil, err
	}
	return virtio.Part(all, int(s.at-p.at), int(r.Size)), nil
}

// holdInterrupt makes the function's interrupt: a message if that can be, else its line.
func (b *bus) holdInterrupt(f *function, h *held) (err error) {
	if f.vectors() {
		table := f.span(f.layout.MSIX.Table)
		if h.interrupt, h.message, err = b.machine.Message(table.at + maskOffset); err == nil {
			h.table, err = b.open(f, f.layout.MSIX.Table)
			return err
		}
	}
	line, ok := b.line(f)
	if !ok {
		return errors.Join(errNoLine, err)
	}
	if h.interrupt, err = b.machine.Line(line); err != nil {
		return fmt.Errorf("%w, %d, which perhaps is another function's, too: %w", errLine, line, err)
	}
	return nil
}

// line gives the line of a function: four from the first one on, by its pin and its device
// (PCI 3.0, 2.2.6).
func (b *bus) line(f *function) (line uint32, ok bool) {
	if f.layout.Pin == 0 || b.lines.count == 0 || f.at.Device >= b.lines.count {
		return 0, false
	}
	return b.lines.first + (uint32(f.at.Device)+uint32(f.layout.Pin)-1)%4, true
}

// release gives up what was made.
func (b *bus) release(h *held) {
	for _, x := range append(h.pages[:], h.interrupt) {
		if x != 0 {
			_ = b.machine.Close(x)
		}
	}
}

// ready resets a device and has it reach memory again, with its interrupt on.
func (b *bus) ready(f *function) error {
	virtio.AnswerPCI(f.space) // and reach no memory
	if f.layout.MSIX.At != 0 {
		virtio.DisableMSIX(f.space, f.layout.MSIX)
		virtio.AnswerPCI(f.space)
	}
	if err := virtio.Reset(f.held.transport); err != nil {
		return err
	}
	if f.held.message.Address != 0 {
		if err := virtio.EnableMSIX(f.space, f.layout.MSIX, f.held.table, []virtio.Message{f.held.message}); err != nil {
			return err
		}
	} else {
		virtio.DisableMSIX(f.space, f.layout.MSIX)
	}
	virtio.EnablePCI(f.space)
	return nil
}

// revoke takes from who had a function what was handed out.
func (b *bus) revoke(f *function) error {
	var err error
	for _, x := range append(f.held.pages[:], f.held.interrupt) {
		if x != 0 {
			err = errors.Join(err, b.machine.Revoke(x))
		}
	}
	return err
}
