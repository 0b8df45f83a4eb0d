// SPDX-License-Identifier: Apache-2.0

package net

import (
	"encoding/binary"

	"loam/user/virtio"
)

// A command of the control queue (5.1.6.5): class, command, and a field; and the device's answer.
const (
	classPairs    = 4
	commandPairs  = 0
	commandSize   = 4
	atAnswer      = 4
	controlMemory = 8

	answerOK      = 0
	answerError   = 1
	noAnswer      = 0xff
	controlAllows = 2 // elements of a command
	// controlEntries is the size of the queue: one command is made at a time.
	controlEntries = 4
)

// control is the control queue; of a device without one it does nothing.
type control struct {
	queue  *virtio.Queue
	memory virtio.Memory
}

func (c *control) open(d *virtio.Device, index int, a *virtio.Arena) (err error) {
	if c.queue, err = d.Queue(index, controlEntries, 0, a); err != nil {
		return err
	}
	if c.queue.Size() < controlAllows {
		return virtio.ErrMemory
	}
	c.memory, err = a.Cut(controlMemory)
	return err
}

// setPairs asks the device to use so many pairs.
func (c *control) setPairs(n int) error {
	b := c.memory.Bytes()
	b[0], b[1] = classPairs, commandPairs
	binary.LittleEndian.PutUint16(b[2:], uint16(n))
	b[atAnswer] = noAnswer
	command := [1]virtio.Element{c.memory.Element(0, commandSize)}
	answer := [1]virtio.Element{c.memory.Element(atAnswer, 1)}
	_, err := c.queue.Add(command[:], answer[:])
	return err
}

func (c *control) kick(d *virtio.Device) error {
	if c.queue == nil {
		return nil
	}
	return d.Kick(c.queue)
}

// answered reports whether the device has just agreed to what it was asked.
func (c *control) answered() (agreed bool, err error) {
	if c.queue == nil {
		return false, nil
	}
	u, ok, err := c.queue.Used()
	if err != nil {
		return false, err
	}
	if !ok {
		if ok, err = c.queue.Arm(); err != nil || !ok {
			return false, err
		}
		if u, ok, err = c.queue.Used(); err != nil || !ok {
			return false, err
		}
	}
	switch answer := c.memory.Bytes()[atAnswer]; {
	case u.Length != 1 || answer > answerError:
		return false, c.queue.Broken(uint64(answer), answerError)
	default:
		return answer == answerOK, nil
	}
}
