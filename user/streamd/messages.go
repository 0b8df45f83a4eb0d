// SPDX-License-Identifier: Apache-2.0

package streamd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"loam/internal/terminal"
	"loam/user/virtio"
)

// Queues of the device's messages (5.3.2), and the messages that matter here (5.3.6.2).
const (
	controlIn  = 2
	controlOut = 3

	deviceReady = 0
	deviceAdd   = 1
	portReady   = 3
	portOpen    = 6
	portName    = 7

	headSize = 8
)

// messages are what the device and the driver say to each other about ports. It matters once, before
// the ports are opened; what comes later (that the host has closed its end, say) changes nothing
// here: what is written then the device throws away, and what it doesn't send doesn't come.
//
// All buffers of the queue in are the device's, each always the same; so a buffer that was looked
// at is given back, and how many were is what the queue says.
type messages struct {
	m                 *mover
	in, out           *virtio.KeptQueue
	messages, answers virtio.Memory
	added, named      [ports]bool
}

// errPorts: the device has other ports than loam's.
var errPorts = errors.New("streamd: the device hasn't the ports of the console streams")

// The device tells of its ports at once, or nearly so.
const (
	meetLooks = 1000
	meetPause = 10 * time.Millisecond
)

// meet tells the device that there is a driver, and learns of the ports.
func (c *messages) meet(pause func(time.Duration)) error {
	for i := range uint16(entries) {
		c.in.Set(i, c.messages.Element(int(i)*messageSize, messageSize), true)
	}
	c.m.offer(c.in, controlIn, entries)
	if err := c.tell(0, deviceReady, 1); err != nil {
		return err
	}
	for range meetLooks {
		for {
			did, err := c.work()
			if err != nil {
				return err
			}
			if !did {
				break
			}
		}
		whole := true
		for p := portStdin; p < ports; p++ {
			whole = whole && c.named[p]
		}
		if whole {
			return nil
		}
		pause(meetPause)
	}
	return errPorts
}

// tell sends a message.
func (c *messages) tell(port uint32, event, value uint16) error {
	if _, err := c.out.Look(); err != nil {
		return err
	}
	if c.out.InFlight() == entries {
		return fmt.Errorf("%w: the device doesn't take messages", virtio.ErrDevice)
	}
	at := int(c.out.Offered()%entries) * answerSize
	b := c.answers.Bytes()[at:]
	binary.LittleEndian.PutUint32(b[0:], port)
	binary.LittleEndian.PutUint16(b[4:], event)
	binary.LittleEndian.PutUint16(b[6:], value)
	c.m.step()
	c.out.Set(c.out.Offered(), c.answers.Element(at, headSize), false)
	c.m.offer(c.out, controlOut, 1)
	return nil
}

// openPorts says that somebody is at the ports, which may have been said before.
func (c *messages) openPorts() error {
	for p := uint32(portStdin); p < ports; p++ {
		if err := c.tell(p, portOpen, 1); err != nil {
			return err
		}
	}
	return nil
}

// work takes what has come.
func (c *messages) work() (did bool, err error) {
	used, err := c.in.Look()
	if err != nil {
		return false, err
	}
	for next := c.in.Offered() - entries; next != used; next++ {
		did = true
		length, err := c.in.Length(next, messageSize)
		if err != nil {
			return false, err
		}
		if err := c.take(bytes.Clone(c.messages.Bytes()[int(next%entries)*messageSize:][:length])); err != nil {
			return false, err
		}
		c.m.offer(c.in, controlIn, 1)
	}
	return did, nil
}

// take handles a message, of which nobody else has the bytes.
func (c *messages) take(b []byte) error {
	if len(b) < headSize || c.m.record.state() == stateWorks {
		return nil
	}
	port, event := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:])
	if port == 0 || port >= ports {
		return nil
	}
	switch event {
	case deviceAdd:
		if c.added[port] {
			return nil
		}
		c.added[port] = true
		return c.tell(port, portReady, 1)
	case portName:
		name, _, _ := bytes.Cut(b[headSize:], []byte{0})
		if string(name) != terminal.Ports[port-1] {
			return errPorts
		}
		c.named[port] = true
	}
	return nil
}

// rest asks for interrupts.
func (c *messages) rest() (more bool, err error) {
	before := c.in.Used()
	c.in.Arm(before)
	after, err := c.in.Look()
	return after != before, err
}
