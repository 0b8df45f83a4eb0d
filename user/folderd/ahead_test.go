// SPDX-License-Identifier: Apache-2.0

//go:build linux

package folderd

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/ninep"
)

// Two halves of the shared memory.
const (
	first = 0
	half  = 10000
	other = half
)

// aheadWorld is one with a session that shares memory, an open file of five halves, and reads of the host's that
// can be held.
type aheadWorld struct {
	*world
	t       *testing.T
	ctx     context.Context
	memory  []byte
	content []byte
	file    uint32

	mu   sync.Mutex
	hold chan struct{} // reads wait until it is closed; nil: they don't
}

func newAhead(t *testing.T) *aheadWorld {
	w := &aheadWorld{t: t, memory: make([]byte, 2*half), content: make([]byte, 5*half)}
	w.world = newHeldWorld(t, func(kind ninep.Type, flushed <-chan struct{}) {
		w.mu.Lock()
		hold := w.hold
		w.mu.Unlock()
		if kind == ninep.Tread && hold != nil {
			select {
			case <-hold:
			case <-flushed:
			}
		}
	})
	w.Shares = map[uint64]*Share{1: {Bytes: w.memory, Handle: ipc.Handle{Handle: 77}}}
	for i := range w.content {
		w.content[i] = byte(rand.Uint32())
	}
	must(t, os.WriteFile(filepath.Join(w.dir, "file"), w.content, 0o644))
	w.ctx, _ = w.attach(t, 1, 1)
	_, _, err := w.session.Share(w.ctx)
	must(t, err)
	w.file = w.open()
	return w
}

func (w *aheadWorld) open() uint32 {
	file, _, err := w.session.Open(w.ctx, Root, "file", abi.O_RDWR, 0)
	must(w.t, err)
	return file
}

// holds has reads wait, until the function that it gives is called.
func (w *aheadWorld) holds() (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := make(chan struct{})
	w.hold = c
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.hold = nil
		close(c)
	}
}

// begin reads a half of the file to the first half, with the next one begun, which is held.
func (w *aheadWorld) begin() (release func()) {
	w.t.Helper()
	w.readOn(0, first, half, false, first, 0, half, 1)
	// The host answers what it is asked now; what follows is begun by a read of nothing new.
	got, err := w.session.ReadTo(w.ctx, w.file, 0, first, half)
	if got != half || err != nil {
		w.t.Fatal(got, err)
	}
	release = w.holds()
	n, err := w.Server.session(w.ctx)
	must(w.t, err)
	o, err := n.get(w.file)
	must(w.t, err)
	p, err := w.part(n, w.Shares[1], other, half)
	must(w.t, err)
	p.begin(w.ctx, o.file, half)
	return release
}

// readOn wants n bytes, and so many reads of the host's for it.
func (w *aheadWorld) readOn(offset int64, to, n uint32, begun bool, next, more uint32, want, reads int) {
	w.t.Helper()
	before := w.host.Seen(ninep.Tread)
	got, err := w.session.ReadOn(w.ctx, w.file, offset, to, n, begun, next, more)
	if int(got) != want || err != nil || !bytes.Equal(w.memory[to:int(to)+want], w.content[offset:int(offset)+want]) {
		w.t.Errorf("ReadOn of %d at %d gives %d, %v, or other bytes", n, offset, got, err)
	}
	must(w.t, w.session.Settle(w.ctx, 0, 0)) // nothing: it waits for no part
	for end := time.Now().Add(10 * time.Second); w.host.Seen(ninep.Tread)-before < reads && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if seen := w.host.Seen(ninep.Tread) - before; seen != reads {
		w.t.Errorf("ReadOn of %d at %d, begun %v: %d reads, not %d", n, offset, begun, seen, reads)
	}
}

// begins reports what is begun.
func (w *aheadWorld) begins() int {
	w.Server.mu.Lock()
	defer w.Server.mu.Unlock()
	return len(w.Shares[1].ahead)
}

// late wants f to end after release, and not before.
func late(t *testing.T, what string, release func(), f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
		t.Error(what, "doesn't wait")
	case <-time.After(30 * time.Millisecond):
	}
	release()
	<-done
}

// TestReadOn: what was begun is what the next call gets, if that asks for just it.
func TestReadOn(t *testing.T) {
	w := newAhead(t)
	w.readOn(0, first, half, false, other, half, half, 2)
	w.readOn(half, other, half, true, first, half, half, 1)    // what was begun, and the next is
	w.readOn(2*half, first, half, false, other, half, half, 2) // read anew
	w.readOn(3*half+1, other, half, true, first, 0, half, 1)   // something else: that is read, and nothing begun
	w.readOn(0, first, half, true, other, 0, half, 1)          // nothing was begun
	w.readOn(3*half, first, half, false, other, half, half, 2)
	w.readOn(4*half, other, half, true, first, half, half, 1) // the file ends
	w.readOn(5*half, first, half, true, other, half, 0, 0)
	if n := w.begins(); n != 0 {
		t.Error(n, "reads are under way behind the file's end")
	}
	w.readOn(4*half+1, first, half, false, other, half, half-1, 1)
	for _, c := range [][2]uint32{{2 * half, first}, {first, 2 * half}, {first, 1 << 31}} {
		if _, err := w.session.ReadOn(w.ctx, w.file, 0, c[0], 1, false, c[1], 1); !errors.Is(err, abi.EINVAL) {
			t.Error("to", c, err)
		}
	}
	if _, err := w.session.ReadOn(w.ctx, 9, 0, first, 1, true, other, 1); !errors.Is(err, abi.EBADF) {
		t.Error("no file:", err)
	}
	if err := w.session.Settle(w.ctx, 2*half, 1); !errors.Is(err, abi.EINVAL) {
		t.Error("behind the memory:", err)
	}
	two, _ := w.attach(t, 1, 2)
	if err := w.session.Settle(two, 0, 1); !errors.Is(err, abi.EINVAL) {
		t.Error("without memory:", err)
	}
}

// TestAheadWaits: while the host may write to a part of the memory, who uses it waits; others don't.
func TestAheadWaits(t *testing.T) {
	w := newAhead(t)
	release := w.begin()
	must(t, w.session.Settle(w.ctx, first, half))
	late(t, "Settle", release, func() { must(t, w.session.Settle(w.ctx, other+half-1, 9)) })

	late(t, "ReadTo", w.begin(), func() {
		if n, err := w.session.ReadTo(w.ctx, w.file, 7, other+1, 100); n != 100 || err != nil || !bytes.Equal(w.memory[other+1:][:100], w.content[7:107]) {
			t.Error(n, err)
		}
	})
	late(t, "Close", w.begin(), func() { must(t, w.session.Close(w.ctx, w.file)) })
	if n := w.begins(); n != 0 {
		t.Error(n, "reads are under way of a file that is closed")
	}
	w.file = w.open()

	release = w.begin()
	ctx, cancel := context.WithCancel(w.ctx)
	late(t, "Settle that is cancelled", cancel, func() { must(t, w.session.Settle(ctx, other, half)) })
	if n := w.begins(); n != 0 {
		t.Error(n, "reads are under way that were flushed")
	}
	release()

	// Who finds another waiting for the same waits, too.
	release = w.begin()
	var both sync.WaitGroup
	both.Go(func() { must(t, w.session.Settle(w.ctx, other, 1)) })
	both.Go(func() { must(t, w.session.Settle(w.ctx, other, 2)) })
	late(t, "the two", release, both.Wait)
}

// TestAheadOfEnded: the memory is the next session's when nothing of the last one's is read there any more.
func TestAheadOfEnded(t *testing.T) {
	w := newAhead(t)
	two, _ := w.attach(t, 1, 2)
	release := w.begin()
	end := w.ended[1]
	delete(w.ended, 1)
	late(t, "the session's end", func() {
		if _, _, err := w.session.Share(two); !errors.Is(err, abi.EBUSY) {
			t.Error("while the host may write there:", err)
		}
		release()
	}, end)
	if _, _, err := w.session.Share(two); err != nil {
		t.Error("after it:", err)
	}
}

// TestAheadBound: no more is begun than was said, and requests are left for others.
func TestAheadBound(t *testing.T) {
	w := newAhead(t)
	release := w.holds()
	n, err := w.Server.session(w.ctx)
	must(t, err)
	o, err := n.get(w.file)
	must(t, err)
	var all sync.WaitGroup
	for i := range 20 {
		p, err := w.part(n, w.Shares[1], uint32(i), 1)
		must(t, err)
		all.Go(func() { p.begin(w.ctx, o.file, 0) })
	}
	if _, err := w.session.Stat(w.ctx, Root, "file", false); err != nil {
		t.Error("nothing is left for others:", err)
	}
	release()
	all.Wait()
	if n := w.begins(); n != maxAhead {
		t.Error(n, "are under way")
	}
	must(t, w.session.Settle(w.ctx, 0, 2*half))
	if m := w.Shares[1]; m.users != 0 || w.begins() != 0 {
		t.Error(m.users, w.begins(), "are left")
	}
}

// TestAheadRandom: two callers, each with a part of the memory, get what is in the file whatever they begin.
func TestAheadRandom(t *testing.T) {
	w := newAhead(t)
	var both sync.WaitGroup
	for who := range uint32(2) {
		both.Go(func() {
			const n = half / 2
			parts := [2]uint32{who * half, who*half + n}
			offset := int64(0)
			for i := range 400 {
				at := parts[i&1]
				got, err := w.session.ReadOn(w.ctx, w.file, offset, at, n, rand.IntN(4) > 0, parts[1-i&1], n)
				want := w.content[min(offset, int64(len(w.content))):]
				want = want[:min(n, len(want))]
				if err != nil || !bytes.Equal(w.memory[at:][:got], want) {
					t.Error("other bytes, or", err)
					return
				}
				if offset += int64(got); rand.IntN(8) == 0 || got < n {
					offset = rand.Int64N(int64(len(w.content)))
				}
			}
		})
	}
	both.Wait()
	must(t, w.session.Settle(w.ctx, 0, 2*half))
	if m := w.Shares[1]; m.users != 0 || w.begins() != 0 {
		t.Error(m.users, w.begins(), "are left")
	}
}
