// SPDX-License-Identifier: Apache-2.0

package net

import (
	"errors"
	"math/bits"

	"loam/user/virtio"
)

// Limits.
const (
	// MaxPairs is the most pairs of queues that are used.
	MaxPairs = 8
	// MaxFrame is the most bytes of a frame: an IP packet of 64 KiB behind an Ethernet header.
	MaxFrame = EthernetHeader + 65535
	// MinBuffer and MaxBuffer are the bounds of a buffer's size, MaxBuffers of their number.
	MinBuffer  = 1024
	MaxBuffer  = 1 << 16
	MaxBuffers = virtio.MaxQueueSize
	// EthernetHeader is the least that a frame has.
	EthernetHeader = 14
	maxPieces      = (headerSize + MaxFrame + MinBuffer - 1) / MinBuffer
)

// ErrFrame: such a frame can't be sent.
var ErrFrame = errors.New("net: such a frame can't be sent")

// Options are what can be chosen.
type Options struct {
	Pairs    int // of queues, that are used at most, 1 to MaxPairs; the device may have fewer
	Receive  int // buffers to receive in, 2 to MaxBuffers: of all pairs, which have equal parts, powers of two; the device may allow fewer
	Transmit int // and to send from
	Buffer   int // bytes of a buffer, MinBuffer to MaxBuffer
	Without  uint64
}

func (o Options) check() error {
	if o.Pairs < 1 || o.Pairs > MaxPairs || o.Receive < 2 || o.Receive > MaxBuffers || o.Transmit < 2 || o.Transmit > MaxBuffers ||
		o.Buffer < MinBuffer || o.Buffer > MaxBuffer {
		return virtio.ErrMemory
	}
	return nil
}

// each gives the options of one of so many pairs.
func (o Options) each(pairs int) Options {
	part := func(buffers int) int { return 1 << (bits.Len(uint(max(2, buffers/pairs))) - 1) }
	o.Receive, o.Transmit = part(o.Receive), part(o.Transmit)
	return o
}

// pieces is how many buffers a frame of the largest size takes.
func (o Options) pieces() int { return (headerSize + MaxFrame + o.Buffer - 1) / o.Buffer }

// Bytes tells how much memory a card with these options takes of its arena at most.
func (o Options) Bytes() (most int) {
	for pairs := 1; pairs <= o.Pairs; pairs++ {
		most = max(most, pairs*o.each(pairs).pairBytes())
	}
	return most + queueBytes(controlEntries, 0) + controlMemory + rounding
}

// rounding is what a piece of the arena may lose to the next one's alignment, in bytes.
const rounding = 128

func (o Options) pairBytes() int {
	return queueBytes(o.Receive, 0) + queueBytes(o.Transmit, o.pieces()) + (o.Receive+o.Transmit)*o.Buffer + 2*rounding
}

func queueBytes(size, indirect int) int {
	split := virtio.QueueConfig{Size: size, Indirect: min(indirect, size)}
	packed := split
	packed.Packed = true
	return max(split.Bytes(), packed.Bytes()) + rounding
}

// Card is a network device. It belongs to one goroutine at a time.
type Card struct {
	device  *virtio.Device
	info    Info
	pairs   []pair
	control control
	active  int // pairs that may be transmitted on
	stats   Stats
}

type pair struct {
	in  receiver
	out transmitter
}

// Stats count frames since the card was opened.
type Stats struct {
	Received, Sent           uint64
	ReceivedBytes, SentBytes uint64
	Malformed                uint64 // came, and were dropped
}

// Open takes the device over, with memory of the arena.
func Open(t virtio.Transport, a *virtio.Arena, o Options) (*Card, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	d, err := virtio.Open(t, virtio.Want{ID: virtio.DeviceNet, Features: wanted(t.Offered(), o), Without: o.Without})
	if err != nil {
		return nil, err
	}
	c := &Card{device: d, active: 1}
	if err := c.setUp(a, o); err != nil {
		return nil, errors.Join(err, d.Fail())
	}
	d.Start()
	if err := c.begin(); err != nil {
		return nil, errors.Join(err, d.Fail())
	}
	return c, nil
}

// setUp makes the queues.
func (c *Card) setUp(a *virtio.Arena, o Options) (err error) {
	if !consistent(c.device) {
		return virtio.ErrFeatures
	}
	if c.info, err = readInfo(c.device); err != nil {
		return err
	}
	if !c.device.Has(featureMergeable) && headerSize+EthernetHeader+c.info.MTU > o.Buffer {
		return virtio.ErrMemory
	}
	c.pairs = make([]pair, min(o.Pairs, c.info.MaxPairs))
	o = o.each(len(c.pairs))
	for i := range c.pairs {
		p := &c.pairs[i]
		if err := p.in.open(c.device, 2*i, o, a); err != nil {
			return err
		}
		if err := p.out.open(c.device, 2*i+1, o, a); err != nil {
			return err
		}
	}
	if c.device.Has(featureControl) {
		return c.control.open(c.device, 2*c.info.MaxPairs, a)
	}
	return nil
}

// begin gives the device its buffers, and tells it of its pairs.
func (c *Card) begin() error {
	for i := range c.pairs {
		if err := c.pairs[i].in.fill(); err != nil {
			return err
		}
		c.pairs[i].out.queue.Quiet()
	}
	if len(c.pairs) > 1 {
		if err := c.control.setPairs(len(c.pairs)); err != nil {
			return err
		}
	}
	return c.Kick()
}

// Device gives the device, for Interrupt and Reset.
func (c *Card) Device() *virtio.Device { return c.device }

// Info gives what the device said of itself when it was opened, or when Refresh was called.
func (c *Card) Info() Info { return c.info }

// Stats gives what was counted.
func (c *Card) Stats() Stats { return c.stats }

// Refresh looks whether the link is up, when the configuration has changed. Nothing else of it may
// change.
func (c *Card) Refresh() error {
	i, err := readInfo(c.device)
	if err == nil {
		c.info.Up = i.Up
	}
	return err
}

// Receiving tells how many pairs are to be received from, Sending how many may be sent on.
func (c *Card) Receiving() int { return len(c.pairs) }

// Sending grows when the device agrees to use more pairs.
func (c *Card) Sending() int { return c.active }

// Frame is a frame that has come.
type Frame struct {
	Length  int
	Offload Offload
}

// Next gives the next frame that a pair has received, if there is one: the same one until Take. What
// has come and is malformed is dropped. It looks at each buffer once at most, so a device
// that sends without end holds nobody up; Arm says if there is more.
func (c *Card) Next(pair int) (f Frame, ok bool, err error) {
	in := &c.pairs[pair].in
	for range in.queue.Size() {
		if ok, err := in.collect(); err != nil || !ok {
			return Frame{}, false, err
		}
		f.Length = in.total - headerSize
		if f.Length >= EthernetHeader && f.Length <= MaxFrame && f.Offload.get(in.header[:], f.Length, c.device.Has) {
			return f, true, nil
		}
		c.stats.Malformed++
		if err := in.done(); err != nil {
			return Frame{}, false, err
		}
	}
	return Frame{}, false, nil
}

// Take copies the frame that Next gave, its begin to head and what follows to rest, as much as there is room for, and gives
// its buffers back to the device, which learns of it by Kick.
func (c *Card) Take(pair int, head, rest []byte) error {
	in := &c.pairs[pair].in
	n := in.copy(head, rest)
	c.stats.Received++
	c.stats.ReceivedBytes += uint64(n)
	return in.done()
}

// Send prepares a frame, in parts that are copied; the device learns of it by Kick. !ok: there is no room
// now. ErrFrame: it is too short or too long, or what it leaves to the device can't be.
func (c *Card) Send(pair int, o Offload, parts ...[]byte) (ok bool, err error) {
	length := 0
	for _, p := range parts {
		length += len(p)
	}
	if pair < 0 || pair >= c.active || !c.canSend(o, length) {
		return false, ErrFrame
	}
	ok, err = c.pairs[pair].out.send(&o, length, parts)
	if ok {
		c.stats.Sent++
		c.stats.SentBytes += uint64(length)
	}
	return ok, err
}

func (c *Card) canSend(o Offload, length int) bool {
	if length < EthernetHeader || length > MaxFrame || o.Valid || o.Partial && !c.device.Has(featureChecksum) {
		return false
	}
	if o.Segments == Whole && length > EthernetHeader+c.info.MTU || o.Segments != Whole && int(o.HeaderLength) > length {
		return false
	}
	return o.can(length, c.device.Has(featureHostTCP4), c.device.Has(featureHostTCP6))
}

// Kick tells the device of frames that were sent, and of buffers that were given back.
func (c *Card) Kick() error {
	for i := range c.pairs {
		if err := c.device.Kick(c.pairs[i].in.queue); err != nil {
			return err
		}
		if err := c.device.Kick(c.pairs[i].out.queue); err != nil {
			return err
		}
	}
	return c.control.kick(c.device)
}

// Arm asks for an interrupt when something comes, or there is room again where there was none. more: it
// is so already.
func (c *Card) Arm() (more bool, err error) {
	agreed, err := c.control.answered()
	if err != nil {
		return false, err
	}
	if agreed {
		c.active = len(c.pairs)
	}
	for i := range c.pairs {
		in, err := c.pairs[i].in.queue.Arm()
		if err != nil {
			return false, err
		}
		out, err := c.pairs[i].out.arm()
		if err != nil {
			return false, err
		}
		more = more || in || out
	}
	return more, nil
}

// Quiet wants no interrupts until Arm.
func (c *Card) Quiet() {
	for i := range c.pairs {
		c.pairs[i].in.queue.Quiet()
		c.pairs[i].out.queue.Quiet()
	}
}
