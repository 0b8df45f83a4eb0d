// SPDX-License-Identifier: Apache-2.0

package console

import (
	"errors"

	"loam/user/virtio"
)

// ErrPort: there is no such port, now.
var ErrPort = errors.New("console: no such port")

// Bounds.
const (
	MaxPorts      = 32
	MaxBuffers    = 256
	MaxBufferSize = 64 << 10 // bytes
	MaxName       = 256      // bytes of a port's name
)

// Features (5.3.3).
const (
	featureSize      = 1 << 0
	featureMultiport = 1 << 1
	featureEmergency = 1 << 2
)

// Fields of struct virtio_console_config (5.3.4).
const (
	atColumns   = 0
	atRows      = 2
	atMaxPorts  = 4
	atEmergency = 8
)

// Queues (5.3.2).
const (
	receiveq0     = 0
	transmitq0    = 1
	controlIn     = 2
	controlOut    = 3
	firstReceiveq = 4 // of port 1
)

// Options are what can be chosen. Memory is for Ports + 1 times Buffers times
// BufferSize, both ways.
type Options struct {
	Ports      int // that are used at most, 1 to MaxPorts; the device may have fewer
	Buffers    int // of each stream, 1 to MaxBuffers
	BufferSize int // bytes, 1 to MaxBufferSize
	Without    uint64
}

func (o Options) check() error {
	if o.Ports < 1 || o.Ports > MaxPorts || o.Buffers < 1 || o.Buffers > MaxBuffers || o.BufferSize < 1 || o.BufferSize > MaxBufferSize {
		return virtio.ErrMemory
	}
	return nil
}

// control is how control messages are held, each way.
func (o Options) control() Options {
	return Options{Buffers: 16, BufferSize: messageSize + MaxName}
}

// Bytes tells how much memory a console with these options takes of its arena at most.
func (o Options) Bytes() int {
	const rounding = 128
	queue := func(o Options) int {
		c := virtio.QueueConfig{Size: o.Buffers}
		p := virtio.QueueConfig{Size: o.Buffers, Packed: true}
		return max(c.Bytes(), p.Bytes()) + o.Buffers*o.BufferSize + rounding
	}
	return 2*o.Ports*queue(o) + 2*queue(o.control())
}

// Port is what is known of a port.
type Port struct {
	Added   bool   // it is there
	Open    bool   // somebody is at the other end
	Console bool   // it is for a terminal
	Name    string // "" if it has none
	// Columns and Rows are the size of the terminal, 0 if it isn't known.
	Columns, Rows uint16
}

type port struct {
	Port
	in  input
	out output
}

// Console is a console device. It belongs to one goroutine at a time.
type Console struct {
	device *virtio.Device
	most   uint32 // ports that the device may name
	ports  []port
	in     input // control messages, if the device has several ports
	out    output
}

// Open takes the device over, with memory of the arena.
func Open(t virtio.Transport, a *virtio.Arena, o Options) (*Console, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d, err := virtio.Open(t, virtio.Want{
		ID: virtio.DeviceConsole, Features: featureSize | featureMultiport | featureEmergency, Without: o.Without,
	})
	if err != nil {
		return nil, err
	}
	c := &Console{device: d}
	if err := c.setUp(a, o); err != nil {
		return nil, errors.Join(err, d.Fail())
	}
	d.Start()
	if err := c.begin(); err != nil {
		return nil, errors.Join(err, d.Fail())
	}
	return c, nil
}

// multiport reports whether there are control messages.
func (c *Console) multiport() bool { return c.device.Has(featureMultiport) }

// setUp makes the queues.
func (c *Console) setUp(a *virtio.Arena, o Options) error {
	n := 1
	if c.multiport() {
		if err := c.device.Config(func(f *virtio.Config) { c.most = f.Uint32(atMaxPorts) }); err != nil {
			return err
		}
		if c.most == 0 {
			return &virtio.DeviceError{Fault: virtio.FaultProtocol, Queue: -1, Limit: 1}
		}
		n = int(min(uint32(o.Ports), c.most))
		if err := open(&c.in, &c.out, c.device, controlIn, controlOut, o.control(), a); err != nil {
			return err
		}
	}
	c.ports = make([]port, n)
	for i := range c.ports {
		p := &c.ports[i]
		receiveq, transmitq := receiveq0, transmitq0
		if i > 0 {
			receiveq = firstReceiveq + 2*(i-1)
			transmitq = receiveq + 1
		}
		if err := open(&p.in, &p.out, c.device, receiveq, transmitq, o, a); err != nil {
			return err
		}
	}
	return nil
}

func open(in *input, out *output, d *virtio.Device, receiveq, transmitq int, o Options, a *virtio.Arena) error {
	if err := in.open(d, receiveq, o, a); err != nil {
		return err
	}
	if err := out.open(d, transmitq, o, a); err != nil {
		return err
	}
	out.fill()
	return in.fill()
}

// begin gives the device its buffers and, of several ports, says that it can tell of
// them.
func (c *Console) begin() error {
	for i := range c.ports {
		if err := c.ports[i].in.kick(); err != nil {
			return err
		}
	}
	if !c.multiport() {
		c.ports[0].Added, c.ports[0].Open, c.ports[0].Console = true, true, true
		return c.Resized()
	}
	if err := c.in.kick(); err != nil {
		return err
	}
	return c.tell(0, deviceReady, 1)
}

// Device gives the device, for Interrupt and Reset.
func (c *Console) Device() *virtio.Device { return c.device }

// Ports tells how many ports there can be; they have the numbers below that.
func (c *Console) Ports() int { return len(c.ports) }

// Port tells what is known of a port.
func (c *Console) Port(i int) Port {
	if i < 0 || i >= len(c.ports) {
		return Port{}
	}
	return c.ports[i].Port
}

// Resized reads the size of port 0's terminal anew, when the configuration has changed
// (5.3.6). Without VIRTIO_CONSOLE_F_SIZE it isn't known.
func (c *Console) Resized() error {
	if !c.device.Has(featureSize) {
		return nil
	}
	p := &c.ports[0]
	return c.device.Config(func(f *virtio.Config) { p.Columns, p.Rows = f.Uint16(atColumns), f.Uint16(atRows) })
}

// port gives a port that is there.
func (c *Console) port(i int) (*port, error) {
	if i < 0 || i >= len(c.ports) || !c.ports[i].Added {
		return nil, ErrPort
	}
	return &c.ports[i], nil
}

// Read copies what has come at a port to b; n is 0 when nothing has.
func (c *Console) Read(port int, b []byte) (n int, err error) {
	p, err := c.port(port)
	if err != nil {
		return 0, err
	}
	return p.in.read(b)
}

// Write hands bytes to a port, n of them: what it has no room for is still the
// caller's.
func (c *Console) Write(port int, b []byte) (n int, err error) {
	p, err := c.port(port)
	if err != nil {
		return 0, err
	}
	return p.out.write(b)
}

// Unsent tells how many buffers of what was written the device has not done with. When
// it is 0, all that was written has left.
func (c *Console) Unsent(port int) (int, error) {
	p, err := c.port(port)
	if err != nil {
		return 0, err
	}
	return p.out.unsent()
}

// SetOpen tells the other end of a port whether somebody is at this one. ErrFull: not
// now, the device hasn't listened to what it was told before.
func (c *Console) SetOpen(port int, open bool) error {
	if _, err := c.port(port); err != nil || !c.multiport() {
		return err
	}
	if ok, err := c.room(); err != nil {
		return err
	} else if !ok {
		return virtio.ErrFull
	}
	value := uint16(0)
	if open {
		value = 1
	}
	return c.tell(uint32(port), portOpen, value)
}

// EmergencyWrite shows a byte at the device's log, whatever state its queues are in
// (5.3.5). ErrFeatures: it has none.
func (c *Console) EmergencyWrite(b byte) error {
	if !c.device.Has(featureEmergency) {
		return virtio.ErrFeatures
	}
	return c.device.SetConfig(atEmergency, []byte{b, 0, 0, 0})
}

// Arm asks for a notification of what comes, and of room where a Write has found
// none or Unsent has found some. more: there is something already.
func (c *Console) Arm() (more bool, err error) {
	arm := func(q *virtio.Queue) {
		if err == nil {
			var m bool
			m, err = q.Arm()
			more = more || m
		}
	}
	for i := range c.ports {
		p := &c.ports[i]
		arm(p.in.queue)
		if p.out.blocked {
			arm(p.out.queue)
		} else {
			p.out.queue.Quiet()
		}
	}
	if c.multiport() {
		arm(c.in.queue)
		if c.out.blocked {
			arm(c.out.queue)
		}
	}
	return more, err
}
