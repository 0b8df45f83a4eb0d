// SPDX-License-Identifier: Apache-2.0

package streamd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"loam/internal/terminal"
	"loam/user/streams/ring"
	"loam/user/virtio"
)

// load is what goes through a world.
type load struct {
	*world
	r               *rand.Rand
	in, out, err    []byte // all of what is to go
	given           int    // of in, to the device
	read            []byte // by the program
	putOut, putErr  int    // by the program
	ready           bool   // the program may read,
	roomOut, roomEr bool   // and write
	messages        []byte // of the host, that are to go
	notes           int
}

func newLoad(t testing.TB, seed uint64, size int) *load {
	l := &load{world: newWorld(t), r: rand.New(rand.NewPCG(seed, 5)), ready: true, roomOut: true, roomEr: true}
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(l.r.Uint32())
		}
		return b
	}
	l.in, l.out, l.err = random(size), random(size), random(size/2)
	l.s.In.OnReady(func() { l.ready = true })
	l.s.Out.OnReady(func() { l.roomOut = true })
	l.s.Err.OnReady(func() { l.roomEr = true })
	return l
}

// act does one thing of the host's or of the program's; false: it can't be done now.
func (l *load) act(what, size int) bool {
	switch what {
	case 0:
		return l.give(queueOf(ring.Stdin), l.in[l.given:min(len(l.in), l.given+size)], &l.given)
	case 1:
		return l.take(queueOf(ring.Stdout), size) > 0
	case 2:
		return l.take(queueOf(ring.Stderr), size) > 0
	case 3:
		if !l.ready {
			return false
		}
		p := make([]byte, size)
		n, eof := l.s.In.TryRead(p)
		l.read = append(l.read, p[:n]...)
		l.ready = n > 0
		if eof {
			l.t.Fatal("an end that nobody has told of: ", l.s.Failure())
		}
		return n > 0
	case 4:
		return l.put(l.s.Out.TryWrite, l.out, &l.putOut, &l.roomOut, size)
	case 5:
		return l.put(l.s.Err.TryWrite, l.err, &l.putErr, &l.roomEr, size)
	}
	return l.talk()
}

func (l *load) give(queue int, b []byte, given *int) bool {
	if !l.opened[portStdin] || len(b) == 0 {
		return false
	}
	n := l.model.give(queue, b)
	*given += max(n, 0)
	return n >= 0
}

func (l *load) put(write func([]byte) int, all []byte, put *int, room *bool, size int) bool {
	b := all[*put:min(len(all), *put+size)]
	if !*room || len(b) == 0 {
		return false
	}
	n := write(b)
	*put += n
	*room = n == len(b)
	return true
}

// talk has the host send a message, in any pieces.
func (l *load) talk() bool {
	if len(l.messages) == 0 && l.notes < 20 {
		l.notes++
		var b [terminal.MessageSize]byte
		(&terminal.Message{Kind: terminal.Facts, Size: terminal.Size{Rows: uint16(l.notes)}}).Put(&b)
		l.messages = b[:]
	}
	if len(l.messages) == 0 || !l.opened[portControl] {
		return false
	}
	n := l.model.give(queueOf(ring.ControlIn), l.messages[:1+l.r.IntN(len(l.messages))])
	l.messages = l.messages[max(n, 0):]
	return n >= 0
}

// over reports whether all has come where it was to go, and checks what has come.
func (l *load) over() bool {
	l.t.Helper()
	out, err := l.sent[queueOf(ring.Stdout)], l.sent[queueOf(ring.Stderr)]
	if !bytes.HasPrefix(l.in, l.read) || !bytes.HasPrefix(l.out, out) || !bytes.HasPrefix(l.err, err) {
		l.t.Fatalf("not what was sent, after %d, %d and %d bytes", len(l.read), len(out), len(err))
	}
	return len(l.read) == len(l.in) && len(out) == len(l.out) && len(err) == len(l.err) && l.notes == 20 && len(l.messages) == 0 &&
		len(l.sent[queueOf(ring.ControlOut)]) > 0 && l.s.Size().Rows == 20
}

// finish does what can be done until all is over.
func (l *load) finish() {
	l.t.Helper()
	for !l.over() {
		did := l.run()
		l.take(queueOf(ring.ControlOut), 100)
		for what := range 7 {
			did = l.act(what, 3000+l.r.IntN(5000)) || did
		}
		if !did && !l.signalled && !l.dev.Pending() && l.m != nil && !l.over() {
			l.t.Fatalf("everybody waits: program read %d of %d, ready %v; given %d; put %d of %d, room %v, sent %d; %d of %d, room %v; rows %d",
				len(l.read), len(l.in), l.ready, l.given, l.putOut, len(l.out), l.roomOut, len(l.sent[queueOf(ring.Stdout)]), l.putErr, len(l.err), l.roomEr, l.s.Size().Rows)
		}
	}
	if l.dev.Err != nil {
		l.t.Fatal(l.dev.Err)
	}
	if heard := l.sent[queueOf(ring.ControlOut)]; len(heard) != terminal.MessageSize {
		l.t.Fatalf("%d bytes of messages to the host", len(heard))
	}
}

// TestKills has drivers die at random places, again and again, also while they take over: not a byte is
// lost or doubled, the device is reset once, and nobody waits who need not.
func TestKills(t *testing.T) {
	deaths := 0
	for seed := range uint64(300) {
		l := newLoad(t, seed, 200_000)
		l.alive(l.start) // without a death: see TestUnfinished
		for range 2000 {
			if l.left < 0 && l.r.IntN(5) == 0 {
				l.left = l.r.IntN(60)
			}
			sizes := [4]int{1, 100, 4096, 100_000}
			small := seed%2 == 0 // pieces, and a device that takes them slowly: the queues are full, not the rings
			if small {
				sizes = [4]int{1, 2, 30, 100}
			}
			if what := l.r.IntN(10); what < 7 {
				if small && (what == 1 || what == 2) && l.r.IntN(10) > 0 {
					continue
				}
				l.act(what, sizes[l.r.IntN(4)])
			} else {
				l.run()
			}
		}
		l.left = -1
		l.finish()
		if l.resets != 1 || len(l.said) > 0 {
			t.Fatalf("seed %d: %d resets: %q", seed, l.resets, l.said)
		}
		deaths += l.deaths
	}
	t.Log(deaths, "deaths")
	if deaths < 10_000 {
		t.Error("too few deaths")
	}
}

// TestEachStore has a driver die once before each store of a short life, and once more at each of the
// first stores of the next.
func TestEachStore(t *testing.T) {
	play := func(first, second int) (steps int) {
		l := newLoad(t, 1, 30_000)
		l.alive(l.start)
		begin := l.steps
		l.left = first
		again := second >= 0
		for i := range 60 {
			l.act([]int{0, 4, 1, 3, 6, 5, 2}[i%7], 1+i*i%7000)
			l.run()
			if again && l.deaths == 1 {
				l.left, again = second, false
			}
		}
		steps = l.steps - begin
		l.left = -1
		l.finish()
		if l.resets != 1 {
			t.Fatalf("killed at %d and %d: %d resets", first, second, l.resets)
		}
		return steps
	}
	steps := play(-1, -1)
	t.Log(steps, "stores")
	if steps < 100 {
		t.Fatal("too few")
	}
	for k := range steps {
		play(k, -1)
		if k%10 == 0 {
			for j := range 40 {
				play(k, j)
			}
		}
	}
}

// TestUnfinished has drivers die before they have opened the ports: the next one opens the device
// anew, and nothing was lost, since nothing had come.
func TestUnfinished(t *testing.T) {
	for k := range 200 {
		l := newLoad(t, uint64(k), 5000)
		l.left = k
		l.act(4, 5000) // before there is a driver
		done := l.alive(l.start)
		l.left = -1
		l.finish()
		if len(l.said) > 0 {
			t.Errorf("killed at %d, it says %q", k, l.said)
		}
		if done {
			if k < 30 {
				t.Error(k, "steps to open the device")
			}
			return
		}
	}
	t.Error("it never gets done")
}

// TestReset: where the record isn't sound the device is reset, it is said, and nothing that was not in
// flight is lost.
func TestReset(t *testing.T) {
	spoil := map[string]func(l *load){
		"layout":   func(l *load) { l.own.Bytes()[atLayout]++ },
		"features": func(l *load) { l.own.Bytes()[atFeatures+4] = 0 },
		"rings":    func(l *load) { l.own.Bytes()[atRings]++ },
		"state":    func(l *load) { l.m.record.setState(stateFailed) },
		"queue":    func(l *load) { l.m.out[0].q.Offer(100) },
		"device":   func(l *load) { l.model.Write32(0x70, 0) },
		"filled":   func(l *load) { l.m.record.put(atFilled, 77777) },
		"end": func(l *load) {
			l.act(4, 100)
			l.run() // this is in flight, whole
			l.m.record.put(ends(ring.Stdout, l.m.out[0].q.Used()-1), 1<<30)
		},
	}
	for name, f := range spoil {
		l := newLoad(t, 3, 300_000)
		l.alive(l.start)
		for range 40 {
			for what := range 7 {
				l.act(what, 5000)
			}
			l.run()
		}
		for l.run() { // nothing of what was taken is in flight
			l.take(queueOf(ring.Stdout), 1<<20)
			l.take(queueOf(ring.Stderr), 1<<20)
			l.take(queueOf(ring.ControlOut), 1<<20)
		}
		f(l)
		l.m = nil
		resets := l.resets
		l.finish()
		if l.resets != resets+1 || len(l.said) != 1 {
			t.Errorf("%s: %d resets, %q", name, l.resets-resets, l.said)
		}
	}
}

// TestDrain: it is done when what there was is gone, not before, and what comes later doesn't count.
func TestDrain(t *testing.T) {
	w := newWorld(t)
	w.run()
	done := 0
	w.s.Out.TryWrite(make([]byte, 50_000))
	w.s.Err.TryWrite(make([]byte, 10))
	w.m.drain(func() { done++ })
	w.work()
	w.s.Out.TryWrite(make([]byte, 1000))
	out := queueOf(ring.Stdout)
	w.take(queueOf(ring.Stderr), 10)
	for taken := 0; done == 0; {
		n := w.take(out, 1000)
		if taken += n; taken > 51_000 || n == 0 {
			t.Fatal("not done after all was gone")
		}
		if w.run(); done > 0 && taken < 50_000 {
			t.Fatal("done after", taken)
		}
	}
	w.m.drain(func() { done++ })
	w.take(out, 1<<20)
	w.run()
	if w.run(); done != 2 {
		t.Error(done)
	}
	w.m.drain(func() { done++ })
	w.work()
	if done != 3 {
		t.Error("nothing to wait for, but it waits")
	}
}

// TestPorts: a device with other ports, or none, is not driven.
func TestPorts(t *testing.T) {
	for _, change := range []func(x *model){
		func(x *model) { x.named[2] = "org.qemu.guest_agent.0" },
		func(x *model) { x.silent = true },
	} {
		w := newWorld(t)
		change(w.model)
		m := &mover{said: func(string) {}, pause: func(time.Duration) {}}
		tr, err := virtio.NewMMIO(w.model)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.start(tr, w.rings, w.own); err != errPorts {
			t.Error(err)
		}
	}
}

// FuzzLies has the device and the client write anything anywhere in what they can reach, and the driver die: it
// ends with an error of the device's or goes on, but neither panics nor goes on without end.
func FuzzLies(f *testing.F) {
	f.Add(uint64(1), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add(uint64(2), bytes.Repeat([]byte{9, 3, 200, 7, 16}, 20))
	f.Fuzz(func(t *testing.T, seed uint64, ops []byte) {
		l := newLoad(t, seed, 100_000)
		all := l.dev.Guest.Bytes
		drive := func() (err error) {
			defer func() {
				if l.m != nil {
					l.m.wake = false
				}
			}()
			if l.m == nil {
				l.m = &mover{said: func(string) {}, pause: func(time.Duration) {}}
				tr, err := virtio.NewMMIO(l.model)
				if err != nil {
					return err
				}
				if err := l.m.start(tr, l.rings, l.own); err != nil {
					return err
				}
			}
			_, err = l.m.work()
			return err
		}
		for _, op := range ops[:min(len(ops), 300)] {
			v := l.r.Uint32() >> l.r.IntN(32) << l.r.IntN(32)
			switch {
			case op < 100: // of the client's words, or of anything in the driver's memory
				binary.LittleEndian.PutUint32(all[4*l.r.IntN(1100/4):], v)
			case op < 180:
				at := ring.Size + l.r.IntN(terminal.DriverMemory-4)
				binary.LittleEndian.PutUint32(all[at&^3:], v)
			case op < 190:
				l.m = nil
			default:
				if err := drive(); err != nil {
					if !errors.Is(err, virtio.ErrDevice) && !errors.Is(err, errPorts) && !errors.Is(err, virtio.ErrFeatures) {
						t.Fatal(err)
					}
					l.m = nil
				}
			}
		}
	})
}
