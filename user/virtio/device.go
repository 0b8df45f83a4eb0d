// SPDX-License-Identifier: Apache-2.0

package virtio

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"time"
)

// Want is what a driver wants of its device.
type Want struct {
	// ID is the device's type.
	ID uint32
	// Features are those of its type that the driver understands; Need is those of
	// them, or of the transport's, without which it can't work.
	Features, Need uint64
	// Without are features of the transport's (FeatureRingPacked and the like) that
	// the driver doesn't want. All that package virtio understands are taken
	// otherwise.
	Without uint64
}

// Device is a device in use by its one driver.
type Device struct {
	transport Transport
	features  uint64
	status    uint8
	pause     func(time.Duration) // between two looks at a device that takes its time
}

// Bounds on a device that never gets done.
const (
	resetLooks      = 107                    // a second, also where sleeps are longer than asked for
	resetPause      = 100 * time.Microsecond // the first; each is twice as long as the one before,
	resetPauseMost  = 10 * time.Millisecond  // up to this
	generationLooks = 64
)

// Open takes a device over: it resets it and agrees with it on features (3.1.1). Next
// come Queue, for each queue, and Start.
func Open(t Transport, w Want) (*Device, error) {
	return open(t, w, time.Sleep)
}

func open(t Transport, w Want, pause func(time.Duration)) (*Device, error) {
	if id := t.ID(); id != w.ID {
		return nil, ErrNotVirtio
	}
	d := &Device{transport: t, pause: pause}
	if err := d.Reset(); err != nil {
		return nil, err
	}
	d.set(StatusAcknowledge)
	d.set(StatusDriver)
	if err := d.negotiate(w); err != nil {
		return nil, errors.Join(err, d.Fail())
	}
	return d, nil
}

// set sets bits of the status; none is ever taken away but by a reset.
func (d *Device) set(status uint8) {
	d.status |= status
	d.transport.SetStatus(d.status)
}

func (d *Device) negotiate(w Want) error {
	offered := d.transport.Offered()
	if offered&FeatureVersion1 == 0 {
		return ErrLegacy
	}
	const ofType = 1<<firstTransportFeature - 1 | ^uint64(1<<beyondTransportFeature-1)
	d.features = offered & (w.Features&ofType | transportFeatures&^(w.Without&^requiredIfOffered))
	if d.features&w.Need != w.Need {
		return ErrFeatures
	}
	d.transport.Accept(d.features)
	d.set(StatusFeaturesOK)
	if d.transport.Status()&StatusFeaturesOK == 0 {
		return ErrFeatures
	}
	return d.transport.Prepare()
}

// Has reports whether features were agreed upon.
func (d *Device) Has(features uint64) bool { return d.features&features == features }

// Queue makes a queue of up to size entries, in memory of the arena: fewer if the device
// has no more. indirect is how many elements a buffer has that takes one entry, if the
// device can do that; 0 for no tables.
func (d *Device) Queue(index, size, indirect int, a *Arena) (*Queue, error) {
	most, err := d.transport.QueueMax(index)
	if err != nil {
		return nil, err
	}
	c := QueueConfig{Index: index, Size: min(size, most, MaxQueueSize), Packed: d.Has(FeatureRingPacked), EventIndex: d.Has(FeatureEventIndex)}
	if !c.Packed && c.Size > 0 {
		c.Size = 1 << (bits.Len(uint(c.Size)) - 1)
	}
	if d.Has(FeatureIndirect) {
		c.Indirect = min(indirect, c.Size) // 2.7.5.3.1
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	m, err := a.Cut(c.Bytes())
	if err != nil {
		return nil, err
	}
	q, err := NewQueue(c, m)
	if err != nil {
		return nil, err
	}
	descriptors, driver, device := q.addresses()
	return q, d.transport.Enable(index, c.Size, descriptors, driver, device)
}

// Start sets the device to work. Queues may have buffers by then; those offered are
// to be kicked after it, and not before.
func (d *Device) Start() { d.set(StatusDriverOK) }

// Kick offers the device what was added to a queue, and notifies it if it wants.
func (d *Device) Kick(q *Queue) error {
	notify, err := q.Kick()
	if notify {
		d.transport.Notify(q.config.Index)
	}
	return err
}

// Interrupt says why the device has notified the driver, and lets it do so again. With
// a DeviceError the device has given up: what was in flight may have been done or not
// (2.1.1). With MSI-X it is for the vector of configuration changes alone, unless
// queues share that: it reads a register, which a queue's own vector makes needless.
func (d *Device) Interrupt() (Cause, error) {
	c := d.transport.Causes()
	if c&CauseConfig == 0 {
		return c, nil
	}
	return c, d.Check()
}

// Check looks whether the device says that it is well.
func (d *Device) Check() error {
	s := d.transport.Status()
	if s&StatusNeedsReset != 0 {
		return fault(FaultNeedsReset, uint64(s), uint64(d.status))
	}
	if s&d.status != d.status {
		return fault(FaultStatus, uint64(s), uint64(d.status))
	}
	return nil
}

// Reset resets the device, and returns when it has let go of all memory: only then may
// memory that it was given serve for something else. With an error it hasn't.
func (d *Device) Reset() error {
	d.features, d.status = 0, 0
	return reset(d.transport, d.pause)
}

// Reset resets a device that nobody here has open, as [Device.Reset] does.
func Reset(t Transport) error { return reset(t, time.Sleep) }

func reset(t Transport, wait func(time.Duration)) error {
	t.SetStatus(0)
	s, pause := uint8(0), resetPause
	for range resetLooks {
		if s = t.Status(); s == 0 {
			return nil
		}
		wait(pause)
		pause = min(2*pause, resetPauseMost)
	}
	return fault(FaultReset, uint64(s), 0)
}

// Fail tells the device that the driver has given up on it, and resets it.
func (d *Device) Fail() error {
	d.set(StatusFailed)
	return d.Reset()
}

// Config calls read until it has seen one version of the configuration (2.5.1): it may
// be called several times. Beyond the configuration's end, or if the device changes it
// without end, there is an error.
func (d *Device) Config(read func(*Config)) error {
	var before, after uint32
	for range generationLooks {
		before = d.transport.Generation()
		c := Config{r: d.transport.Config()}
		read(&c)
		if c.short {
			return ErrConfig
		}
		if after = d.transport.Generation(); before == after {
			return nil
		}
	}
	return fault(FaultGeneration, uint64(after), uint64(before))
}

// Config is the device-specific configuration, while it is read. What lies beyond its
// end is 0, and an error of Device.Config.
type Config struct {
	r     Registers
	short bool
}

func (c *Config) has(at, width int) bool {
	ok := at >= 0 && at <= c.r.Size()-width
	c.short = c.short || !ok
	return ok
}

// Byte reads a field of 1 byte.
func (c *Config) Byte(at int) uint8 {
	if !c.has(at, 1) {
		return 0
	}
	return c.r.Read8(at)
}

// Uint16 reads a field of 2 bytes.
func (c *Config) Uint16(at int) uint16 {
	if !c.has(at, 2) {
		return 0
	}
	return c.r.Read16(at)
}

// Uint32 reads a field of 4 bytes.
func (c *Config) Uint32(at int) uint32 {
	if !c.has(at, 4) {
		return 0
	}
	return c.r.Read32(at)
}

// Uint64 reads a field of 8 bytes, by halves (4.2.2.2).
func (c *Config) Uint64(at int) uint64 { return uint64(c.Uint32(at)) | uint64(c.Uint32(at+4))<<32 }

// Bytes reads an array of bytes.
func (c *Config) Bytes(at int, b []byte) {
	for i := range b {
		b[i] = c.Byte(at + i)
	}
}

// SetConfig writes a field of 1, 2, 4 or 8 bytes of the configuration.
func (d *Device) SetConfig(at int, field []byte) error {
	r := d.transport.Config()
	if at < 0 || len(field) > r.Size() || at > r.Size()-len(field) {
		return ErrConfig
	}
	switch len(field) {
	case 1:
		r.Write8(at, field[0])
	case 2:
		r.Write16(at, binary.LittleEndian.Uint16(field))
	case 4, 8:
		for ; len(field) > 0; at, field = at+4, field[4:] {
			r.Write32(at, binary.LittleEndian.Uint32(field))
		}
	default:
		return ErrConfig
	}
	return nil
}
