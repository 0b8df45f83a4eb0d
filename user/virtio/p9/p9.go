// SPDX-License-Identifier: Apache-2.0

package p9

import (
	"errors"
	"math/bits"
	"sync"

	"loam/user/ninep"
	"loam/user/virtio"
)

// Errors.
var (
	// ErrClosed: Close was called.
	ErrClosed = errors.New("p9: the device was closed")
	// ErrSilent: an exchange was not answered in time.
	ErrSilent = errors.New("p9: the device doesn't answer")
	// ErrTag: the device's mount tag is not one.
	ErrTag = errors.New("p9: a mount tag that can't be")
	// ErrRoom: the device's queue is too short for one request, the exchange is one too many,
	// or its data is longer than Options.Data.
	ErrRoom = errors.New("p9: no room for the exchange")
	// ErrMemory: an exchange's fields are not in memory of the transport's, or its data isn't
	// and there are no buffers to copy it through.
	ErrMemory = errors.New("p9: memory that the device doesn't reach")
)

const (
	requestq = 0 // the only queue

	featureTag = 1 << 0 // VIRTIO_9P_MOUNT_TAG

	// struct virtio_9p_config: the tag's length in 2 bytes, and the tag.
	atTagLength = 0
	atTag       = 2

	// MaxTag is the most bytes of a mount tag. QEMU ends at 32.
	MaxTag = 254

	elements = 4  // that an exchange has at most
	overhead = 24 // what a message with data takes beyond it, with a byte to spare

	defaultRequests = 16
	maxRequests     = virtio.MaxQueueSize / (2 * elements)
	defaultData     = 512 << 10
	minData         = 8 << 10
	maxData         = 1 << 30
	maxBuffers      = 1 << 10
	defaultPatience = 4
)

// Options are what can be chosen. Fields that are zero get the default.
type Options struct {
	// Requests is how many a client has under way at most, each of which can have a flush: 1
	// to 128, 16 by default. The device may allow fewer.
	Requests int
	// Data is the most bytes of data that go through a buffer, at least 8 KiB, by default 512 KiB.
	Data int
	// Message is the most bytes of data in a message whose data needs no buffer: Data at least, which it is
	// by default.
	Message int
	// Buffers is how many exchanges can have data outside of Data's memory at once; 0: none.
	Buffers int
	// Patience is how many ticks an exchange may take, 4 by default. With a tick each 30
	// seconds the device has a minute and a half, or more: the host may be busy writing.
	Patience int
	// Without are features of the transport's that aren't wanted.
	Without uint64
}

func (o *Options) complete() bool {
	for _, f := range [...]struct {
		value         *int
		otherwise     int
		least, atMost int
	}{{&o.Requests, defaultRequests, 1, maxRequests}, {&o.Data, defaultData, minData, maxData},
		{&o.Buffers, 0, 0, maxBuffers}, {&o.Patience, defaultPatience, 1, 1 << 20}} {
		if *f.value == 0 {
			*f.value = f.otherwise
		}
		if *f.value < f.least || *f.value > f.atMost {
			return false
		}
	}
	if o.Message == 0 {
		o.Message = o.Data
	}
	return o.Message >= o.Data && o.Message <= maxData
}

// entries tells how many entries a queue for these options has, as a power of two: four for
// each exchange, or one with tables of indirect descriptors.
func (o Options) entries(indirect bool) int {
	n := 2 * o.Requests
	if !indirect {
		n *= elements
	}
	return 1 << bits.Len(uint(max(n, elements)-1))
}

// Bytes tells how much memory a device with these options takes of its arena at most, with
// a client, but without what Data gives. It is 0 for options that can't be.
func (o Options) Bytes() int {
	if !o.complete() {
		return 0
	}
	queue := 0
	for i := range 4 {
		c := virtio.QueueConfig{Size: o.entries(i&1 != 0), Indirect: elements * (i & 1), Packed: i&2 != 0}
		queue = max(queue, c.Bytes())
	}
	const rounding = 128
	return queue + ninep.MemorySize(o.Requests) + o.Buffers*o.Data + 2*rounding
}

// Device is a 9P device in use, and a ninep.Transport.
type Device struct {
	device   *virtio.Device
	tag      string
	requests int
	data     int // bytes of a buffer
	message  int // most bytes of data
	patience int
	buffers  virtio.Memory
	free     chan int      // of buffers
	ended    chan struct{} // closed when there is an error
	held     error         // why the device may still have the memory; guarded by turn

	turn    sync.Mutex // one of Interrupt, Take, Tick and Close at a time; before mu
	mu      sync.Mutex // guards what follows
	arena   *virtio.Arena
	queue   *virtio.Queue
	regions []virtio.Memory // that Memory and Data gave
	under   []under         // by the id of the buffer
	ticks   int
	err     error // what ended it
	chain   [elements]virtio.Element
}

// under is an exchange under way.
type under struct {
	x      *ninep.Exchange // nil: none
	buffer int             // of its data, or noBuffer
	since  int             // tick
}

const noBuffer = -1

// Open takes the device over, with memory of the arena, which nobody else uses from then on.
func Open(t virtio.Transport, a *virtio.Arena, o Options) (*Device, error) {
	if !o.complete() {
		return nil, virtio.ErrMemory
	}
	v, err := virtio.Open(t, virtio.Want{ID: virtio.Device9P, Features: featureTag, Need: featureTag, Without: o.Without})
	if err != nil {
		return nil, err
	}
	d := &Device{device: v, arena: a, data: o.Data, message: o.Message, patience: o.Patience, ended: make(chan struct{})}
	if err := d.setUp(o); err != nil {
		return nil, errors.Join(err, v.Fail())
	}
	v.Start()
	return d, nil
}

func (d *Device) setUp(o Options) (err error) {
	if d.tag, err = readTag(d.device); err != nil {
		return err
	}
	indirect := d.device.Has(virtio.FeatureIndirect)
	if d.queue, err = d.device.Queue(requestq, o.entries(indirect), elements, d.arena); err != nil {
		return err
	}
	n := d.queue.Size()
	d.under = make([]under, n)
	if n < elements {
		return ErrRoom
	}
	if !indirect {
		n /= elements
	}
	if d.requests = min(o.Requests, n/2); d.requests < 1 {
		return ErrRoom
	}
	d.free = make(chan int, o.Buffers)
	if o.Buffers == 0 {
		return nil
	}
	for i := range o.Buffers {
		d.free <- i
	}
	d.buffers, err = d.arena.Cut(o.Buffers * o.Data)
	return err
}

// readTag reads the mount tag: some bytes, none of which is a control character.
func readTag(v *virtio.Device) (string, error) {
	var tag []byte
	good := true
	err := v.Config(func(c *virtio.Config) {
		n := int(c.Uint16(atTagLength))
		if good = n > 0 && n <= MaxTag; !good {
			return
		}
		tag = make([]byte, n)
		c.Bytes(atTag, tag)
		for _, b := range tag {
			good = good && b >= ' ' && b != 0x7f
		}
	})
	switch {
	case err != nil:
		return "", err
	case !good:
		return "", ErrTag
	}
	return string(tag), nil
}

// Device gives the device that was opened.
func (d *Device) Device() *virtio.Device { return d.device }

// Tag gives the mount tag, by which one device is known from another. It is the device's
// word, and says nothing of what is in the folder.
func (d *Device) Tag() string { return d.tag }

// Requests gives how many requests a client may have under way, each with a flush.
func (d *Device) Requests() int { return d.requests }

// Waiting reports whether an exchange is under way, so that ticks count.
func (d *Device) Waiting() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.under {
		if u.x != nil {
			return true
		}
	}
	return false
}

// Err gives what ended the device, or nil.
func (d *Device) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// Interrupt lets the device notify again, and sees whether it is well. It comes first when
// it has notified; then Take.
func (d *Device) Interrupt() error {
	d.turn.Lock()
	defer d.turn.Unlock()
	if err := d.Err(); err != nil {
		return err
	}
	if _, err := d.device.Interrupt(); err != nil {
		return d.fail(err)
	}
	return nil
}

// Take ends all exchanges that the device has answered, and asks it to notify of the next.
func (d *Device) Take() error {
	d.turn.Lock()
	defer d.turn.Unlock()
	return d.answers()
}

func (d *Device) answers() error {
	for {
		n, u, err := d.next()
		if err != nil {
			return d.fail(err)
		}
		if u.x == nil {
			return nil
		}
		d.finish(u, n)
	}
}

// next takes an answer, if there is one, and gives its length.
func (d *Device) next() (int, under, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return 0, under{}, d.err
	}
	for {
		used, ok, err := d.queue.Used()
		if err != nil {
			return 0, under{}, err
		}
		if ok {
			u := d.under[used.ID]
			d.under[used.ID] = under{}
			return int(used.Length), u, nil
		}
		if more, err := d.queue.Arm(); err != nil || !more {
			return 0, under{}, err
		}
	}
}

// finish ends an exchange whose reply has n bytes.
func (d *Device) finish(u under, n int) {
	if u.buffer != noBuffer {
		if data := n - len(u.x.Reply[0]); data > 0 {
			copy(u.x.Reply[1], d.buffer(u.buffer)[:data])
		}
		d.free <- u.buffer
	}
	u.x.Done(n, nil)
}

func (d *Device) buffer(i int) []byte { return d.buffers.Bytes()[i*d.data:][:d.data] }

// Tick tells that some time has passed: an exchange that has seen Options.Patience ticks
// has taken too long.
func (d *Device) Tick() error {
	d.turn.Lock()
	defer d.turn.Unlock()
	if err := d.answers(); err != nil { // in case a notification was lost
		return err
	}
	d.mu.Lock()
	d.ticks++
	late := false
	for _, u := range d.under {
		late = late || u.x != nil && d.ticks-u.since >= d.patience
	}
	d.mu.Unlock()
	if late {
		return d.fail(ErrSilent)
	}
	return nil
}

// Close ends all exchanges and resets the device. With an error it may still write to the
// arena's memory.
func (d *Device) Close() error {
	d.turn.Lock()
	defer d.turn.Unlock()
	_ = d.fail(ErrClosed)
	return d.held
}

// fail resets the device and ends all exchanges, if that hasn't been done, and gives the
// first cause. It is called with turn.
func (d *Device) fail(err error) error {
	d.mu.Lock()
	if d.err != nil {
		defer d.mu.Unlock()
		return d.err
	}
	d.err = err
	d.mu.Unlock()
	close(d.ended)
	if d.held = d.device.Fail(); d.held != nil {
		err = errors.Join(err, d.held)
	}
	for i := range d.under { // Start doesn't change them when there is an error
		if u := d.under[i]; u.x != nil {
			d.under[i] = under{}
			u.x.Done(0, err)
		}
	}
	return err
}
