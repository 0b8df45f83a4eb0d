// SPDX-License-Identifier: Apache-2.0

//go:build linux

package p9

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

// honest answers a request as the server would.
func (m *machine) honest(c virtiotest.Chain) int { return c.Write(0, m.server.Handle(c.Read())) }

// isRead reports whether a request is a read.
func isRead(c virtiotest.Chain) bool { return ninep.Type(c.Read()[4]) == ninep.Tread }

// liar is a machine that lies when it is asked to read, while two other reads and a flush
// wait, which it doesn't answer; and what all of them come to.
func liar(t *testing.T, features uint64, lie func(m *machine, c virtiotest.Chain)) (*machine, *Device, *ninep.Client, []error) {
	t.Helper()
	m := newMachine(t, features, small.Bytes())
	d := start(t, m, t.TempDir(), small)
	c, err := ninep.Dial(t.Context(), d, ninep.Config{Requests: d.Requests()})
	if err != nil {
		t.Fatal(err)
	}
	dir := mountOnly(t, c)
	reads := make(chan struct{}, 10)
	m.mu.Lock()
	m.lie = func(c virtiotest.Chain) {
		switch reads <- struct{}{}; len(reads) {
		case 4: // two reads, a flush, and this one
			lie(m, c)
		case 1, 2, 3:
		default:
			t.Error("asked after the end")
		}
	}
	m.mu.Unlock()
	errs := make(chan error, 3)
	read := func(ctx context.Context) {
		p := make([]byte, 500)
		n, err := c.Read(ctx, dir, 0, p)
		if err == nil || n != 0 || !bytes.Equal(p, make([]byte, len(p))) {
			t.Error("read:", n, err)
		}
		errs <- err
	}
	ctx, cancel := context.WithCancel(t.Context())
	go read(ctx)
	await(reads, 1)
	cancel() // which brings the flush
	await(reads, 2)
	// The two buffers are taken by these: the last has to lie in memory that the device reaches.
	go read(t.Context())
	await(reads, 3)
	mine, err := d.Data(64)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, err := c.Read(t.Context(), dir, 0, mine); errs <- err }()
	var all []error
	for range 3 {
		select {
		case err := <-errs:
			all = append(all, err)
		case <-time.After(20 * time.Second):
			t.Fatal("somebody still waits")
		}
	}
	return m, d, c, all
}

// await waits until there are so many.
func await(c chan struct{}, n int) {
	for len(c) < n {
		time.Sleep(time.Millisecond)
	}
}

// mountOnly attaches a client, and opens nothing: the root will do as a file.
func mountOnly(t *testing.T, c *ninep.Client) ninep.Fid {
	t.Helper()
	root, _, err := c.Attach(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// lies are what a device can do wrong with a queue, and say so.
var lies = map[string]struct {
	lie   func(m *machine, c virtiotest.Chain)
	fault virtio.Fault
}{
	"longer than its room": {func(m *machine, c virtiotest.Chain) { m.finish(c, c.Room()+1) }, virtio.FaultLength},
	"4 GiB long":           {func(m *machine, c virtiotest.Chain) { m.finish(c, 1<<32-1) }, virtio.FaultLength},
	"a buffer that isn't":  {func(m *machine, c virtiotest.Chain) { c.ID = 9999; m.finish(c, 0) }, virtio.FaultID},
	"one never given":      {func(m *machine, c virtiotest.Chain) { c.ID ^= 4; m.finish(c, 0) }, virtio.FaultNotOffered},
	"twice": {func(m *machine, c virtiotest.Chain) {
		n := m.honest(c)
		m.Finish(0, c, n)
		m.finish(c, n)
	}, virtio.FaultNotOffered},
	"more than there were": {func(m *machine, c virtiotest.Chain) {
		for range 10 {
			m.Finish(0, c, 0)
		}
		m.interrupt()
	}, virtio.FaultUsedIndex},
	"a reset, please": {func(m *machine, _ virtiotest.Chain) { m.Break(); m.interrupt() }, virtio.FaultNeedsReset},
}

// TestLies: a device that breaks the rules is reset, everybody learns why, and it can be
// opened again.
func TestLies(t *testing.T) {
	for name, l := range lies {
		for _, features := range []uint64{split, qemus} {
			t.Run(name, func(t *testing.T) {
				m, d, c, errs := liar(t, features, l.lie)
				for _, err := range append(errs, c.Err(), d.Err()) {
					var fault *virtio.DeviceError
					if name == "twice" && errors.Is(err, abi.EBADF) {
						continue // the one that was answered
					}
					if !errors.As(err, &fault) || fault.Fault != l.fault {
						t.Error(err)
					}
				}
				reborn(t, m, d)
			})
		}
	}
}

// reborn: a device that has ended is reset, and works when it is opened again.
func reborn(t *testing.T, m *machine, d *Device) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Start(&ninep.Exchange{}); err == nil || !errors.Is(err, d.Err()) {
		t.Error("started:", err)
	}
	for _, f := range []func() error{d.Interrupt, d.Take, d.Tick} {
		if err := f(); !errors.Is(err, d.Err()) {
			t.Error(err)
		}
	}
	m.mu.Lock()
	if m.Status() != 0 {
		t.Error("it isn't reset")
	}
	m.lie = nil
	m.mu.Unlock()
	again := start(t, m, t.TempDir(), small)
	if got, err := roundTrip(t.Context(), mount(t, again, false), "f", []byte("fine")); string(got) != "fine" || err != nil {
		t.Error("afterwards:", string(got), err)
	}
}

// TestReplies: replies that are not as long as the device or they themselves say end the
// client, and not the device.
func TestReplies(t *testing.T) {
	reply := func(kind ninep.Type, size, count int) []byte {
		b := make([]byte, 11+count)
		copy(b, []byte{byte(size), byte(size >> 8), byte(size >> 16), byte(size >> 24), byte(kind), 0, 0, byte(count), byte(count >> 8)})
		return b
	}
	for name, r := range map[string]struct {
		b []byte
		n int // that the device says
	}{
		"less than a header":   {reply(ninep.Tread+1, 5, 0), 5},
		"nothing":              {nil, 0},
		"longer than it says":  {reply(ninep.Tread+1, 11+4, 4), 11 + 5},
		"shorter than it says": {reply(ninep.Tread+1, 11+5, 5), 11 + 4},
		"more data than comes": {reply(ninep.Tread+1, 11+4, 5), 11 + 4},
		"another answer":       {reply(ninep.Twrite+1, 11, 0), 11},
		"of 4 GiB":             {reply(ninep.Tread+1, 1<<32-1, 4), 11 + 4},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, qemus, small.Bytes())
			d := start(t, m, t.TempDir(), small)
			c, err := ninep.Dial(t.Context(), d, ninep.Config{Requests: 1})
			if err != nil {
				t.Fatal(err)
			}
			root := mountOnly(t, c)
			m.mu.Lock()
			m.lie = func(c virtiotest.Chain) {
				if !isRead(c) {
					t.Error("asked after the end")
				}
				c.Write(0, r.b)
				m.finish(c, r.n)
			}
			m.mu.Unlock()
			var broken *ninep.ProtocolError
			n, err := c.Read(t.Context(), root, 0, make([]byte, 100))
			if n != 0 || !errors.As(err, &broken) || d.Err() != nil {
				t.Error(n, err, d.Err())
			}
			if _, err := c.Read(t.Context(), root, 0, make([]byte, 100)); !errors.As(err, &broken) {
				t.Error(err)
			}
			reborn(t, m, d)
		})
	}
}

// TestSilence: an exchange that isn't answered ends the device after so many ticks, and not
// before, however busy it is otherwise.
func TestSilence(t *testing.T) {
	m := newMachine(t, qemus, small.Bytes())
	d := start(t, m, t.TempDir(), small)
	c, err := ninep.Dial(t.Context(), d, ninep.Config{Requests: d.Requests()})
	if err != nil {
		t.Fatal(err)
	}
	root := mountOnly(t, c)
	asked := make(chan struct{}, 1)
	m.mu.Lock()
	m.lie = func(c virtiotest.Chain) {
		if isRead(c) {
			asked <- struct{}{}
			return
		}
		m.finish(c, m.honest(c))
	}
	m.mu.Unlock()
	ended := make(chan error, 1)
	go func() { _, err := c.Read(t.Context(), root, 0, make([]byte, 100)); ended <- err }()
	<-asked
	for i := range defaultPatience {
		var a ninep.Attr
		if err := c.GetAttr(t.Context(), root, ninep.AttrAll, &a); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			t.Fatal("too early:", err)
		default:
		}
		if err := d.Tick(); (err != nil) != (i == defaultPatience-1) {
			t.Fatal(i, err)
		}
	}
	if err := <-ended; !errors.Is(err, ErrSilent) || !errors.Is(err, abi.EIO) {
		t.Error(err)
	}
	reborn(t, m, d)
}

// TestLostInterrupt: an answer whose notification is lost is found by a tick.
func TestLostInterrupt(t *testing.T) {
	m := newMachine(t, qemus, small.Bytes())
	d := m.mustOpen(t, small)
	m.lie = func(c virtiotest.Chain) {
		c.Write(0, []byte{21, 0, 0, 0, byte(ninep.Tversion + 1), 0xff, 0xff, 0, 32, 0, 0, 8, 0})
		c.Write(13, []byte(ninep.Version))
		m.Finish(0, c, 21)
	}
	dialled := make(chan error)
	go func() { _, err := ninep.Dial(context.Background(), d, ninep.Config{Requests: 2}); dialled <- err }()
	for {
		select {
		case err := <-dialled:
			if err != nil || d.Err() != nil {
				t.Error(err, d.Err())
			}
			return
		default:
			if err := d.Tick(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestStuck: with a device that doesn't even end its reset calls end all the same, and who
// closes it is told.
func TestStuck(t *testing.T) {
	m := newMachine(t, qemus, small.Bytes())
	d := m.mustOpen(t, small)
	m.lie = func(virtiotest.Chain) { m.stuck = true }
	dialled := make(chan error)
	go func() { _, err := ninep.Dial(context.Background(), d, ninep.Config{Requests: 2}); dialled <- err }()
	for d.Tick() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	var fault *virtio.DeviceError
	if err := <-dialled; !errors.Is(err, ErrSilent) || !errors.As(err, &fault) || fault.Fault != virtio.FaultReset {
		t.Error(err)
	}
	if err := d.Close(); !errors.As(err, &fault) || fault.Fault != virtio.FaultReset {
		t.Error(err)
	}
	if _, err := m.open(small); !errors.As(err, &fault) || fault.Fault != virtio.FaultReset {
		t.Error("opened again:", err)
	}
	m.stuck = false
	if err := m.mustOpen(t, small).Close(); err != nil {
		t.Error(err)
	}
}

// TestClose: who closes the device ends all that wait, for a buffer, too.
func TestClose(t *testing.T) {
	m := newMachine(t, qemus, small.Bytes())
	d := m.mustOpen(t, small)
	m.lie = func(virtiotest.Chain) {}
	fields, err := d.Data(4 * 32)
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	for i := range small.Buffers + 1 {
		x := &ninep.Exchange{Request: [2][]byte{fields[32*i:][:16], make([]byte, 8)}, Reply: [2][]byte{fields[32*i+16:][:16]}}
		if i < small.Buffers {
			if err := d.Start(x); err != nil {
				t.Fatal(err)
			}
			continue
		}
		go func() { errs <- d.Start(x) }()
	}
	select {
	case err := <-errs:
		t.Fatal("started:", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := <-errs; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
