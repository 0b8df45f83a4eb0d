// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// message is a struct virtio_console_control and what follows it (5.3.6.2).
const (
	messageSize = 8
	resizeSize  = 4
)

// Events of messages.
const (
	deviceReady = 0
	deviceAdd   = 1
	deviceGone  = 2
	portReady   = 3
	consolePort = 4
	resize      = 5
	portOpen    = 6
	portName    = 7
)

// tell sends a message; there is room.
func (c *Console) tell(id uint32, event, value uint16) error {
	var b [messageSize]byte
	binary.LittleEndian.PutUint32(b[0:], id)
	binary.LittleEndian.PutUint16(b[4:], event)
	binary.LittleEndian.PutUint16(b[6:], value)
	_, err := c.out.write(b[:])
	return err
}

// room reports whether a message can be sent.
func (c *Console) room() (bool, error) {
	err := c.out.reclaim()
	c.out.blocked = len(c.out.free) == 0
	return !c.out.blocked, err
}

// Change is what has become of a port.
type Change uint8

// Changes.
const (
	Nothing   Change = iota // that concerns anybody
	Added                   // it is there
	Removed                 // and no more
	Opened                  // somebody is at the other end
	Closed                  // and no more
	Named                   // it has a name
	Sized                   // its terminal has another size
	Nominated               // it is for a terminal
)

// Event is a change that the device has told of. Port tells what is so now.
type Event struct {
	Port   int
	Change Change
}

// Event takes the next control message, ok if there is one, and answers it.
func (c *Console) Event() (e Event, ok bool, err error) {
	if !c.multiport() {
		return e, false, nil
	}
	if ok, err := c.room(); err != nil || !ok {
		return e, false, err
	}
	if ok, err := c.in.next(); err != nil || !ok {
		return e, false, err
	}
	// A copy: the device must not change what has been checked.
	var b [messageSize + MaxName]byte
	n := copy(b[:], c.in.rest())
	if e, err = c.take(b[:n]); err != nil {
		return Event{}, false, err
	}
	if err := c.in.done(); err != nil {
		return Event{}, false, err
	}
	return e, true, c.in.kick()
}

// take handles a message.
func (c *Console) take(b []byte) (e Event, err error) {
	if len(b) < messageSize {
		return e, c.in.queue.Broken(uint64(len(b)), messageSize)
	}
	id, event, value := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:])
	if event < deviceAdd || event > portName || event == portReady {
		return e, nil // not known, or the driver's
	}
	if id >= c.most {
		return e, c.in.queue.Broken(uint64(id), uint64(c.most-1))
	}
	if int(id) >= len(c.ports) { // it may be, but isn't wanted
		if event == deviceAdd {
			return e, c.tell(id, portReady, 0)
		}
		return e, nil
	}
	e.Port = int(id)
	p := &c.ports[id]
	if p.Added == (event == deviceAdd) {
		return e, c.in.queue.Broken(uint64(event), uint64(id))
	}
	e.Change, err = c.change(p, id, event, value, b[messageSize:])
	return e, err
}

// change changes what is known of a port.
func (c *Console) change(p *port, id uint32, event, value uint16, rest []byte) (Change, error) {
	switch event {
	case deviceAdd:
		p.Port = Port{Added: true}
		if err := p.in.discard(); err != nil { // what came before it was removed
			return Nothing, err
		}
		return Added, c.tell(id, portReady, 1)
	case deviceGone:
		p.Port = Port{}
		return Removed, nil
	case consolePort:
		p.Console = true
		return Nominated, c.tell(id, portOpen, 1)
	case resize:
		if len(rest) < resizeSize {
			return Nothing, c.in.queue.Broken(uint64(len(rest)), resizeSize)
		}
		p.Columns, p.Rows = binary.LittleEndian.Uint16(rest), binary.LittleEndian.Uint16(rest[2:])
		return Sized, nil
	case portOpen:
		if p.Open = value != 0; p.Open {
			return Opened, nil
		}
		return Closed, nil
	default:
		if i := bytes.IndexByte(rest, 0); i >= 0 { // QEMU ends it with one
			rest = rest[:i]
		}
		p.Name = strings.ToValidUTF8(string(rest), "?")
		return Named, nil
	}
}
