// SPDX-License-Identifier: Apache-2.0

package driver

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

// line is an interrupt: it notes what was done, in order.
type line struct {
	done []string
	err  error
}

func (l *line) Ack() error {
	l.done = append(l.done, "ack")
	return l.err
}

// open gives a device with one queue, at work, and its loop.
func open(t *testing.T) (*virtiotest.Device, *virtio.Queue, *Loop, *line) {
	t.Helper()
	const address = 0x8000_0000
	b := make([]byte, 8192)
	m, err := virtio.NewMemory(b, address)
	if err != nil {
		t.Fatal(err)
	}
	d := &virtiotest.Device{
		Type: virtio.DeviceEntropy, Features: virtio.FeatureVersion1, Max: []int{8},
		Guest: virtiotest.Guest{Bytes: b, Address: address},
		Serve: func(int, virtiotest.Chain) (int, bool) { return 1, true },
	}
	transport, err := virtio.NewMMIO(virtiotest.NewMMIO(d))
	if err != nil {
		t.Fatal(err)
	}
	v, err := virtio.Open(transport, virtio.Want{ID: virtio.DeviceEntropy})
	if err != nil {
		t.Fatal(err)
	}
	arena := virtio.NewArena(m)
	q, err1 := v.Queue(0, 8, 0, arena)
	buffer, err2 := arena.Cut(1)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	v.Start()
	for range 3 {
		if _, err := q.Add(nil, []virtio.Element{buffer.Element(0, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := q.Arm(); err != nil {
		t.Fatal(err)
	}
	i := &line{}
	return d, q, &Loop{Device: v, Interrupt: i, Alarm: func() error { return nil }}, i
}

// TestInterrupt: what is done at an interrupt, in which order, and what at one that
// means nothing.
func TestInterrupt(t *testing.T) {
	d, q, l, i := open(t)
	l.Serve = func(c virtio.Cause) error {
		for c == virtio.CauseQueue {
			if _, ok, err := q.Used(); err != nil || !ok {
				return err
			}
			i.done = append(i.done, "used")
		}
		return nil
	}
	if err := l.Handle(BitInterrupt); err != nil || !slices.Equal(i.done, []string{"ack"}) {
		t.Fatal(err, i.done)
	}
	if err := l.Device.Kick(q); err != nil {
		t.Fatal(err)
	}
	i.done = nil
	if err := l.Handle(BitInterrupt); err != nil || !slices.Equal(i.done, []string{"ack", "used", "used", "used"}) {
		t.Fatal(err, i.done)
	}
	if err := l.Handle(BitInterrupt); err != nil || len(i.done) != 5 { // the device was acknowledged
		t.Fatal(err, i.done)
	}
	if d.Err != nil {
		t.Error(d.Err)
	}
}

// TestErrors: each error of what is called comes out.
func TestErrors(t *testing.T) {
	_, q, l, i := open(t)
	failure := errors.New("failure")
	l.Serve = func(virtio.Cause) error { return failure }
	i.err = failure
	if err := l.Handle(BitInterrupt); !errors.Is(err, failure) {
		t.Error(err)
	}
	i.err = nil
	if err := l.Device.Kick(q); err != nil {
		t.Fatal(err)
	}
	if err := l.Handle(BitInterrupt); err != failure {
		t.Error(err)
	}
	l.Alarm = func() error { return failure }
	if err := l.Asked(); err != failure {
		t.Error(err)
	}
}

// TestSilence compares the alarm with a record of what happened when, over random lives of a
// device: it is never too early, never later than twice the limit, and there is one at
// a time.
func TestSilence(t *testing.T) {
	const limit = 20
	silent, calm := 0, 0
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		now, due := 0, -1
		l := &Loop{}
		l.Alarm = func() error {
			if due >= 0 {
				t.Fatal("two alarms")
			}
			due = now + limit
			return nil
		}
		quiet := 0 // since when something is asked and nothing answered
		busy, lazy := 1+r.IntN(2*limit), 1+r.IntN(limit/2)
		over := false
		for now = range 50 * limit {
			if r.IntN(busy) == 0 {
				if l.asked == 0 {
					quiet = now
				}
				if err := l.Asked(); err != nil {
					t.Fatal(err)
				}
			}
			if l.asked > 0 && r.IntN(lazy) == 0 {
				l.Answered()
				quiet = now
			}
			if now == due {
				due = -1
				err := l.Handle(BitAlarm)
				if over = err == ErrSilent; over {
					if l.asked == 0 || now-quiet < limit {
						t.Fatalf("seed %d: silent after %d", seed, now-quiet)
					}
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if l.asked > 0 && now-quiet > 2*limit {
				t.Fatalf("seed %d: not noticed in %d", seed, now-quiet)
			}
		}
		if over {
			silent++
		} else {
			calm++
		}
	}
	if silent < 100 || calm < 100 {
		t.Error(silent, "were silent,", calm, "were not")
	}
}
