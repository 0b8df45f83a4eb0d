// SPDX-License-Identifier: Apache-2.0

package streamd

import (
	"errors"
	"time"

	"loam/user/streams/ring"
	"loam/user/virtio"
)

// mover moves bytes between the rings and the device. It belongs to one goroutine, and has no clock, kernel
// or client: tests stop it anywhere, and let another go on.
type mover struct {
	device   *virtio.Device
	record   record
	messages messages
	out      [3]output
	in       [2]input
	wake     bool                  // the client is to be signalled
	drains   []drain               // who waits for the end of what there is
	said     func(text string)     // for people
	killed   func()                // tests: called between any two stores; nil
	pause    func(d time.Duration) // between two looks at a device that takes its time
}

// drain is somebody who waits until stdout and stderr are gone up to positions.
type drain struct {
	until [2]uint32
	done  func()
}

// step is between two stores that others see. Tests have the driver die there.
func (m *mover) step() {
	if m.killed != nil {
		m.killed()
	}
}

func (m *mover) log(text string) { m.said(text) }

// Numbers of the device's ports, which have the names terminal.Ports.
const (
	portStdin = 1 + iota
	portStdout
	portStderr
	portControl
	ports
)

// queueOf gives the number of a ring's queue in the device (5.3.2).
func queueOf(r ring.Ring) int {
	port := [ring.Rings]int{portStdin, portStdout, portStderr, portControl, portControl}[r]
	q := 4 + 2*(port-1)
	if !r.IsInput() {
		q++
	}
	return q
}

// setUp makes the parts of a mover.
func (m *mover) setUp(rings, own virtio.Memory) (places, error) {
	if rings.Size() < ring.Size || own.Size() < ownSize {
		return places{}, virtio.ErrMemory
	}
	p, _ := cut(own)
	m.record = p.record
	m.messages = messages{m: m, messages: p.messages, answers: p.answers}
	part := func(r ring.Ring) virtio.Memory {
		data, _ := rings.Part(r.Offset(), r.Size())
		return data
	}
	for i, r := range [3]ring.Ring{ring.Stdout, ring.Stderr, ring.ControlOut} {
		m.out[i] = output{m: m, ring: r, index: queueOf(r), drain: ring.NewDrain(rings.Bytes(), r), data: part(r)}
	}
	for i, r := range [2]ring.Ring{ring.Stdin, ring.ControlIn} {
		m.in[i] = input{m: m, ring: r, index: queueOf(r), fill: ring.NewFill(rings.Bytes(), r), data: part(r)}
	}
	return p, nil
}

// Features of a console (5.3.3).
const featureMultiport = 1 << 1

// start takes the device over where the last driver left it, or opens it if there was none, or
// if what it left isn't sound.
func (m *mover) start(t virtio.Transport, rings, own virtio.Memory) error {
	p, err := m.setUp(rings, own)
	if err != nil {
		return err
	}
	state := m.record.state()
	if state == stateWorks {
		if err = m.adopt(t, p, rings.Address()); err == nil {
			return m.open()
		}
		m.log("the device can't be gone on with (" + err.Error() + "): what it had of stdout and stderr may come twice")
	} else if state != stateNew && state != stateOpens {
		m.log("the device failed before: what it had of stdout and stderr may come twice")
	}
	if err := m.begin(t, p, rings.Address()); err != nil {
		return err
	}
	return m.open()
}

// adopt takes the device over. Nothing is changed if that can't be.
func (m *mover) adopt(t virtio.Transport, p places, rings uint64) error {
	r := m.record
	if r.get(atLayout) != ring.Layout || r.get64(atRings) != rings {
		return virtio.ErrNotKept
	}
	var err error
	if m.device, err = virtio.Adopt(t, virtio.DeviceConsole, r.get64(atFeatures)); err != nil {
		return err
	}
	return m.queues(p, m.device.AdoptQueue, func(o *output) error { return o.adopt() }, func(in *input) error { return in.adopt() })
}

// queues makes the queues, or goes on with them, and then begins with what they carry.
func (m *mover) queues(p places, make func(index, size int, memory virtio.Memory) (*virtio.KeptQueue, error),
	out func(*output) error, in func(*input) error) (err error) {
	queue := func(index, size int, memory virtio.Memory) (q *virtio.KeptQueue) {
		if err == nil {
			q, err = make(index, size, memory)
		}
		return q
	}
	m.messages.in = queue(controlIn, entries, p.in)
	m.messages.out = queue(controlOut, entries, p.out)
	for i := range m.out {
		m.out[i].q = queue(m.out[i].index, entries, p.queues[m.out[i].ring])
	}
	for i := range m.in {
		m.in[i].q = queue(m.in[i].index, m.in[i].ring.Slots(), p.queues[m.in[i].ring])
	}
	for i := range m.out {
		if err == nil {
			err = out(&m.out[i])
		}
	}
	for i := range m.in {
		if err == nil {
			err = in(&m.in[i])
		}
	}
	return err
}

// begin opens the device, which resets it, and learns of its ports. Only when all of that is done is
// the record true, and only then are ports opened: before that nothing comes by them.
func (m *mover) begin(t virtio.Transport, p places, rings uint64) (err error) {
	m.step()
	if state := m.record.state(); state == stateNew || state == stateOpens {
		m.record.setState(stateOpens)
	} else {
		m.record.setState(stateFailed)
	}
	m.device, err = virtio.Open(t, virtio.Want{
		ID: virtio.DeviceConsole, Features: featureMultiport, Need: featureMultiport | virtio.FeatureEventIndex,
		Without: virtio.FeatureRingPacked | virtio.FeatureIndirect,
	})
	if err != nil {
		return err
	}
	err = m.queues(p, m.device.NewKeptQueue,
		func(o *output) error { o.begin(); return nil }, func(in *input) error { in.begin(); return nil })
	if err != nil {
		return err
	}
	m.device.Start()
	if err := m.messages.meet(m.pause); err != nil {
		return err
	}
	r := m.record
	r.put(atLayout, ring.Layout)
	r.put64(atFeatures, m.device.Features())
	r.put64(atRings, rings)
	m.step()
	r.setState(stateWorks)
	return nil
}

// open tells the device that somebody is at the ports, and rings all doorbells: the predecessor
// may have had no time to.
func (m *mover) open() error {
	if err := m.messages.openPorts(); err != nil {
		return err
	}
	for _, index := range [2]int{controlIn, controlOut} {
		m.step()
		m.device.Notify(index)
	}
	for r := range ring.Rings {
		m.step()
		m.device.Notify(queueOf(r))
	}
	return nil
}

// offer offers a queue's next buffers.
func (m *mover) offer(q *virtio.KeptQueue, index, n int) {
	m.step()
	notify := q.Offer(n)
	m.step()
	if notify {
		m.device.Notify(index)
	}
}

// rounds bounds how long the mover goes on while the device, or the client, always has more.
const rounds = 16

// work does all that can be done, and then asks for interrupts and signals. more: it was too much,
// and work is to be called again.
func (m *mover) work() (more bool, err error) {
	for range rounds {
		did, err := m.round()
		if err != nil {
			return false, m.failed(err)
		}
		if did {
			continue
		}
		if did, err = m.rest(); err != nil {
			return false, m.failed(err)
		}
		if !did {
			m.drained()
			return false, nil
		}
	}
	return true, nil
}

// failed says that the next driver has to open the device anew.
func (m *mover) failed(err error) error {
	if errors.Is(err, virtio.ErrDevice) {
		m.record.setState(stateFailed)
	}
	return err
}

// turns bounds how often a part works before the others have their turn.
const turns = 4

// round has each part work until it has nothing to do: what one does makes no work for another, so
// those that have none are looked at once. did: one had all its turns, and may have more.
func (m *mover) round() (did bool, err error) {
	if did, err = m.messages.work(); err != nil {
		return false, err
	}
	for i := range m.out {
		d, err := untilIdle(m.out[i].work)
		if err != nil {
			return false, err
		}
		did = did || d
	}
	for i := range m.in {
		d, err := untilIdle(m.in[i].work)
		if err != nil {
			return false, err
		}
		did = did || d
	}
	return did, nil
}

func untilIdle(work func() (bool, error)) (did bool, err error) {
	for range turns {
		if did, err = work(); !did || err != nil {
			break
		}
	}
	return did, err
}

func (m *mover) rest() (more bool, err error) {
	if more, err = m.messages.rest(); err != nil {
		return false, err
	}
	for i := range m.out {
		d, err := m.out[i].rest()
		if err != nil {
			return false, err
		}
		more = more || d
	}
	for i := range m.in {
		d, err := m.in[i].rest()
		if err != nil {
			return false, err
		}
		more = more || d
	}
	return more, nil
}

// drain has done called when all that stdout and stderr have now is gone.
func (m *mover) drain(done func()) {
	d := drain{done: done}
	for i := range d.until {
		d.until[i] = m.out[i].drain.Put()
	}
	m.drains = append(m.drains, d)
}

// drained calls those whose time has come. A ring that is broken has nothing more to give.
func (m *mover) drained() {
	left := m.drains[:0]
	for _, d := range m.drains {
		over := true
		for i := range d.until {
			over = over && (m.out[i].broken || int32(m.out[i].gone-d.until[i]) >= 0)
		}
		if over {
			d.done()
		} else {
			left = append(left, d)
		}
	}
	m.drains = left
}
