// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"loam/user/ninep"
	"loam/user/sys"
)

var le = binary.LittleEndian

// Registers of a virtio device on MMIO (virtio 1.2, 4.2.2), and where microvm has them.
const (
	firstDevice = 0xfeb0_0000
	deviceStep  = 0x200
	devices     = 24

	regVersion    = 0x04
	regID         = 0x08
	regFeatures   = 0x20
	regFeatureSel = 0x24
	regQueueSel   = 0x30
	regQueueNum   = 0x38
	regQueueReady = 0x44
	regNotify     = 0x50
	regStatus     = 0x70
	regDesc       = 0x80
	regDriver     = 0x90
	regDevice     = 0xa0

	idNineP = 9

	statusOK = 1 | 2 | 4 | 8 // acknowledge, driver, driver OK, features OK
)

// Where things lie in guest memory: from 1 MiB, the queue, then the rest.
const (
	queueSize = 128
	descAt    = 1 << 20
	driverAt  = descAt + 16*queueSize
	deviceAt  = driverAt + 4096
	restAt    = deviceAt + 4096
)

// Flags of a descriptor.
const (
	descNext  = 1
	descWrite = 2
)

// device is a driver of a virtio-9p device, with one split queue and no interrupts.
type device struct {
	stub *stub
	base uint64 // of its registers
	mem  []byte // guest memory from physical 0

	mu     sync.Mutex // guards what follows
	rest   int        // where memory is that nobody has yet
	free   []uint16   // descriptors
	under  map[uint16]*chain
	wake   chan struct{} // closed at the end
	ended  chan struct{} // closed behind it
	used   uint16
	avail  uint16
	copied int // exchanges whose data didn't lie in guest memory
	err    error
}

// chain is an exchange under way.
type chain struct {
	x     *ninep.Exchange
	descs []uint16
	data  []byte // of the reply, in guest memory, if it has to be copied
	since time.Time
}

func newDevice(s *stub, mem []byte) (*device, error) {
	d := &device{stub: s, mem: mem, rest: restAt, under: map[uint16]*chain{}, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	for i := range uint16(queueSize) {
		d.free = append(d.free, i)
	}
	for i := range uint64(devices) {
		base := firstDevice + i*deviceStep
		if id, err := s.read(base + regID); err != nil {
			return nil, err
		} else if id == idNineP {
			d.base = base
		}
	}
	if d.base == 0 {
		return nil, errors.New("QEMU has no virtio-9p device")
	}
	if v, err := s.read(d.base + regVersion); v != 2 || err != nil {
		return nil, fmt.Errorf("virtio version %d, %w", v, err)
	}
	for _, w := range [][2]uint32{{regStatus, 0}, {regStatus, 1 | 2}, {regFeatureSel, 1}, {regFeatures, 1}, {regFeatureSel, 0},
		{regFeatures, 0}, {regStatus, 1 | 2 | 8}, {regQueueSel, 0}, {regQueueNum, queueSize}, {regDesc, descAt}, {regDriver, driverAt},
		{regDevice, deviceAt}, {regQueueReady, 1}, {regStatus, statusOK}} {
		if err := s.write(d.base+uint64(w[0]), w[1]); err != nil {
			return nil, err
		}
	}
	go d.complete()
	return d, nil
}

// MaxMessage is what Linux takes at most by this way, about.
func (d *device) MaxMessage() uint32 { return 512<<10 + 24 }

// Memory gives guest memory.
func (d *device) Memory(n int) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.memory(n), nil
}

func (d *device) memory(n int) []byte {
	b := d.mem[d.rest : d.rest+n : d.rest+n]
	d.rest += (n + 63) &^ 63
	return b
}

// Forget has nothing to do: QEMU gives every chain back.
func (d *device) Forget(*ninep.Exchange) {}

// address gives where in guest memory bytes are, if they are.
func (d *device) address(b []byte) (uint64, bool) {
	at := sys.Address(b) - sys.Address(d.mem)
	return at, at < uint64(len(d.mem)) && uint64(len(b)) <= uint64(len(d.mem))-at
}

// Start makes a chain of descriptors.
func (d *device) Start(x *ninep.Exchange) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return d.err
	}
	c := &chain{x: x, since: time.Now()}
	for i, piece := range [][]byte{x.Request[0], x.Request[1], x.Reply[0], x.Reply[1]} {
		if len(piece) == 0 {
			continue
		}
		at, ok := d.address(piece)
		if !ok { // it leaks guest memory, of which tests have enough
			b := d.memory(len(piece))
			copy(b, piece)
			at, _ = d.address(b)
			d.copied++
			if i == 3 {
				c.data = b
			}
		}
		d.link(c, at, len(piece), i >= 2)
	}
	d.under[c.descs[0]] = c
	le.PutUint16(d.mem[driverAt+4+2*int(d.avail%queueSize):], c.descs[0])
	d.avail++
	le.PutUint16(d.mem[driverAt+2:], d.avail)
	select {
	case d.wake <- struct{}{}:
	default:
	}
	return d.stub.write(d.base+regNotify, 0)
}

// link puts a descriptor behind the others of a chain.
func (d *device) link(c *chain, at uint64, n int, write bool) {
	i := d.free[len(d.free)-1]
	d.free = d.free[:len(d.free)-1]
	desc := d.mem[descAt+16*int(i):]
	le.PutUint64(desc, at)
	le.PutUint32(desc[8:], uint32(n))
	var flags uint16
	if write {
		flags = descWrite
	}
	le.PutUint16(desc[12:], flags)
	if k := len(c.descs); k > 0 {
		before := d.mem[descAt+16*int(c.descs[k-1]):]
		le.PutUint16(before[12:], le.Uint16(before[12:])|descNext)
		le.PutUint16(before[14:], i)
	}
	c.descs = append(c.descs, i)
}

// complete looks for chains that the device has given back, as long as there are any.
func (d *device) complete() {
	defer close(d.ended)
	for range d.wake {
		for d.some() {
			time.Sleep(20 * time.Microsecond)
		}
	}
}

// some takes what has come back, and reports whether something is still under way.
func (d *device) some() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; d.used != le.Uint16(d.mem[deviceAt+2:]); d.used++ {
		e := d.mem[deviceAt+4+8*int(d.used%queueSize):]
		head, n := uint16(le.Uint32(e)), int(le.Uint32(e[4:]))
		c := d.under[head]
		delete(d.under, head)
		d.free = append(d.free, c.descs...)
		copy(c.x.Reply[1], c.data)
		c.x.Done(n, d.err)
	}
	for head, c := range d.under {
		if d.err == nil && time.Since(c.since) > 20*time.Second {
			status, err := d.stub.read(d.base + regStatus)
			d.err = fmt.Errorf("no answer; the device's status is %#x, %w", status, err)
		}
		if d.err != nil {
			delete(d.under, head)
			c.x.Done(0, d.err)
		}
	}
	return len(d.under) > 0
}
