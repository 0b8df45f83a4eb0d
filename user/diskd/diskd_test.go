// SPDX-License-Identifier: Apache-2.0

package diskd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"

	"loam/user/ipc"
)

// worker uses a part of a disk, and knows what has to be there.
type worker struct {
	d           *Disk
	random      *rand.Rand
	first       int64  // of its part
	want        []byte // that it reads
	flushed     []byte // that is stable
	since       []bool // sectors that were written since the last flush
	own         []byte // memory of the disk's, or nil
	reads, oper int
}

const part = capacity * SectorSize / 4

// work does random things for a while.
func (w *worker) work(steps int) error {
	for range steps {
		n := SectorSize * (1 + w.random.IntN(1+w.random.IntN(200)))
		at := SectorSize * w.random.IntN((part-n)/SectorSize+1)
		p := make([]byte, n)
		if w.own != nil && n <= len(w.own) && w.random.IntN(2) == 0 {
			p = w.own[:n]
		}
		if err := w.step(p, at); err != nil {
			return err
		}
		w.oper++
	}
	return nil
}

func (w *worker) step(p []byte, at int) error {
	off := w.first + int64(at)
	switch w.random.IntN(12) {
	case 0:
		copy(w.flushed, w.want) // what is written until it is done may be there or not
		clear(w.since)
		return w.d.Flush()
	case 1:
		clear(w.change(at, len(p)))
		return w.d.Zero(off, int64(len(p)), w.random.IntN(2) == 0)
	case 2:
		clear(w.change(at, len(p)))
		return w.d.Discard(off, int64(len(p)))
	case 3, 4, 5, 6:
		for i := range p {
			p[i] = byte(w.random.Uint32())
		}
		copy(w.change(at, len(p)), p)
		n, err := w.d.WriteAt(p, off)
		if err == nil && n != len(p) {
			err = errors.New("a short write")
		}
		return err
	}
	w.reads++
	clear(p)
	n, err := w.d.ReadAt(p, off)
	if err == nil && !bytes.Equal(p[:n], w.want[at:at+len(p)]) {
		err = fmt.Errorf("%d bytes at %d aren't as they were written", len(p), off)
	}
	return err
}

// change gives what is to change in a range.
func (w *worker) change(at, n int) []byte {
	for s := at / SectorSize; s < (at+n)/SectorSize; s++ {
		w.since[s] = true
	}
	return w.want[at : at+n]
}

// TestRandom: several use a disk at once, while its driver is killed again and again. What they
// read is what they have written, and in the end what was flushed is stable.
func TestRandom(t *testing.T) {
	steps := 1000
	if testing.Short() {
		steps = 300
	}
	for i, has := range []uint64{flushes | discards, flushes | discards | parts, virtio34 | flushes | discards} {
		for _, kills := range []bool{false, true} {
			t.Run(fmt.Sprint(i, kills), func(t *testing.T) {
				t.Parallel()
				r := newRig(t, uint64(i), has)
				end := r.run(kills)
				d, err := open(t.Context(), r, r)
				if err != nil {
					t.Fatal(err)
				}
				var all sync.WaitGroup
				var workers []*worker
				for k := range 4 {
					w := &worker{d: d, random: rand.New(rand.NewPCG(uint64(i), uint64(k))), first: int64(k * part),
						want: make([]byte, part), flushed: make([]byte, part), since: make([]bool, part/SectorSize)}
					if k%2 == 0 {
						w.own = d.Alloc(40_000)
					}
					workers = append(workers, w)
					all.Go(func() {
						if err := w.work(steps); err != nil {
							t.Errorf("worker %d, step %d: %v", k, w.oper, err)
						}
					})
				}
				all.Wait()
				d.Free(workers[0].own)
				if err := d.Close(); err != nil {
					t.Error(err)
				}
				end()
				r.check(workers, kills)
			})
		}
	}
}

const virtio34 = 1 << 34 // packed rings

// check looks at what is left in the end.
func (r *rig) check(workers []*worker, kills bool) {
	for _, w := range workers {
		for s := range w.since {
			at := s * SectorSize
			if !w.since[s] && !bytes.Equal(w.flushed[at:][:SectorSize], r.stable[int(w.first)+at:][:SectorSize]) {
				r.t.Errorf("sector %d was flushed, and is lost", int(w.first)/SectorSize+s)
			}
		}
		if !bytes.Equal(w.want, r.cache[w.first:][:part]) {
			r.t.Error("the disk isn't as it was written")
		}
	}
	if r.device.Err != nil || r.failed != nil || len(r.pending) > 0 || r.kills == 0 == kills {
		r.t.Error(r.device.Err, r.failed, len(r.pending), r.kills)
	}
}

// TestHostile: requests that can't be, and their errors; none of them reaches the device.
func TestHostile(t *testing.T) {
	r := newRig(t, 1, flushes|discards)
	ctx := t.Context()
	if err := r.Read(ctx, 0, 0, 1, 0); err != syscall.ESTALE {
		t.Errorf("session 0 of nobody: %v", err)
	}
	if _, _, _, err := r.Attach(ctx, ipc.Handle{Handle: 99}); err != syscall.EINVAL {
		t.Errorf("no process: %v", err)
	}
	_, s, info, err := r.Attach(ctx, ipc.Handle{Handle: 1})
	if err != nil || s == 0 || info != (Info{Sectors: capacity, BlockSize: 512, Memory: dataRoom, Requests: 16, MaxData: dataRoom / 1024, MaxDiscard: 100, MaxZero: 50}) {
		t.Fatal(err, info)
	}
	const top = 1<<32 - 1
	read := func(sector uint64, n, at uint32) func() error {
		return func() error { return r.Read(ctx, s, sector, n, at) }
	}
	write := func(sector uint64, n, at uint32) func() error {
		return func() error { return r.Write(ctx, s, sector, n, at) }
	}
	for i, c := range []struct {
		do   func() error
		want syscall.Errno
	}{
		{read(0, 0, 0), syscall.EINVAL}, {write(0, 0, 0), syscall.EINVAL},
		{read(capacity, 1, 0), syscall.EINVAL}, {read(capacity-1, 2, 0), syscall.EINVAL}, {read(1<<64-1, 1, 0), syscall.EINVAL},
		{write(capacity, 1, 0), syscall.EINVAL}, {write(1<<63, 1, 0), syscall.EINVAL}, {write(1<<55, 1, 0), syscall.EINVAL},
		{read(0, 1, 1), syscall.EINVAL}, {read(0, 1, dataRoom), syscall.EINVAL}, {read(0, 1, dataRoom-256), syscall.EINVAL},
		{read(0, 2, dataRoom-512), syscall.EINVAL}, {read(0, 1, top&^511), syscall.EINVAL}, {read(0, top, 0), syscall.EINVAL},
		{write(0, top, 512), syscall.EINVAL}, {write(0, 1<<23, 0), syscall.EINVAL}, {write(0, dataRoom/512+1, 0), syscall.EINVAL},
		{func() error { return r.Read(ctx, s+1, 0, 1, 0) }, syscall.ESTALE},
		{func() error { return r.Write(ctx, 0, 0, 1, 0) }, syscall.ESTALE},
		{func() error { return r.Flush(ctx, s-1) }, syscall.ESTALE},
		{func() error { return r.Discard(ctx, s-1, 0, 1) }, syscall.ESTALE},
		{func() error { return r.Zero(ctx, s-1, 0, 1, false) }, syscall.ESTALE},
		{func() error { return r.Detach(ctx, s-1) }, syscall.ESTALE},
		{func() error { return r.Discard(ctx, s, 0, 101) }, syscall.EINVAL},
		{func() error { return r.Discard(ctx, s, 0, 0) }, syscall.EINVAL},
		{func() error { return r.Discard(ctx, s, capacity-1, 2) }, syscall.EINVAL},
		{func() error { return r.Zero(ctx, s, 1<<62, 1, false) }, syscall.EINVAL},
		{func() error { return r.Zero(ctx, s, 0, 51, false) }, syscall.EINVAL},
	} {
		if err := c.do(); err != c.want {
			t.Errorf("%d: %v, want %v", i, err, c.want)
		}
	}
	if len(r.held) > 0 || r.device.Notified > 0 || r.server.disk.InFlight() > 0 {
		t.Error("the device has heard of it")
	}
}

// TestFull: a client can't have more in flight than there is room for, and what it has
// is answered.
func TestFull(t *testing.T) {
	for has, most := range map[uint64]int{flushes: 16, 0: 16} {
		r := newRig(t, 1, has)
		_, s, info, err := r.Attach(t.Context(), ipc.Handle{Handle: 1})
		if err != nil || int(info.Requests) != most {
			t.Fatal(err, info)
		}
		done := make(chan error, most)
		for range most {
			go func() { done <- r.Read(t.Context(), s, 0, 1, 0) }()
		}
		for full := false; !full; {
			r.mu.Lock()
			full = len(r.held) == most
			r.mu.Unlock()
		}
		if err := r.Read(t.Context(), s, 0, 1, 0); err != syscall.EAGAIN {
			t.Error(err)
		}
		if err := r.Detach(t.Context(), s); err != syscall.EBUSY {
			t.Error(err)
		}
		r.alive[1] = false
		if _, _, _, err := r.Attach(t.Context(), ipc.Handle{Handle: 2}); err != syscall.EAGAIN {
			t.Errorf("what the last client had in flight is in the memory yet: %v", err)
		}
		if err := r.Flush(t.Context(), s); err != syscall.ESTALE {
			t.Errorf("a session of one who isn't there: %v", err)
		}
		for range most {
			r.step()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if _, _, _, err := r.Attach(t.Context(), ipc.Handle{Handle: 2}); err != nil {
			t.Error(err)
		}
	}
}

// TestOneClient: who has the disk has it alone.
func TestOneClient(t *testing.T) {
	r := newRig(t, 1, flushes)
	d, err := open(t.Context(), r, r)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := r.Attach(t.Context(), ipc.Handle{Handle: 2}); err != syscall.EBUSY {
		t.Error(err)
	}
	r.alive[1] = false
	_, s, _, err := r.Attach(t.Context(), ipc.Handle{Handle: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.ReadAt(make([]byte, 512), 0); err != syscall.EBUSY {
		t.Error(err)
	}
	if err := r.Detach(t.Context(), s); err != nil {
		t.Error(err)
	}
	r.alive[1] = true
	defer r.run(false)()
	if _, err := d.ReadAt(make([]byte, 512), 0); err != nil { // attached again
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != ErrClosed {
		t.Error(err)
	}
	if _, err := d.ReadAt(make([]byte, 512), 0); err != ErrClosed {
		t.Error(err)
	}
}

// TestEnds: what is asked of a Disk beyond its end, and beyond what it can do.
func TestEnds(t *testing.T) {
	r := newRig(t, 1, readOnly)
	defer r.run(false)()
	d, err := open(t.Context(), r, r)
	if err != nil {
		t.Fatal(err)
	}
	if d.Size() != capacity*512 || !d.Info().ReadOnly {
		t.Error(d.Size(), d.Info())
	}
	p := make([]byte, 2048)
	for _, c := range []struct {
		off  int64
		n    int
		want int
		err  error
	}{
		{0, 2048, 2048, nil}, {d.Size() - 512, 2048, 512, io.EOF}, {d.Size(), 512, 0, io.EOF}, {d.Size() + 512, 512, 0, io.EOF},
		{1 << 62, 512, 0, io.EOF}, {0, 0, 0, nil}, {1, 512, 0, ErrAlign}, {0, 511, 0, ErrAlign}, {-512, 512, 0, ErrAlign},
	} {
		if n, err := d.ReadAt(p[:c.n], c.off); n != c.want || err != c.err {
			t.Errorf("%+v: %d, %v", c, n, err)
		}
	}
	if n, err := d.WriteAt(p, 0); n != 0 || err != syscall.EROFS {
		t.Error(n, err)
	}
	for _, err := range []error{d.Discard(0, 512), d.Zero(0, 512, true)} {
		if err != syscall.ENOTSUP {
			t.Error(err)
		}
	}
	if err := d.Flush(); err != nil { // there is no cache
		t.Error(err)
	}
	r.mu.Lock()
	r.refuse = 1
	r.mu.Unlock()
	if _, err := d.ReadAt(p, 0); err != syscall.EIO {
		t.Error(err)
	}
	r.mu.Lock()
	r.refuse = 2
	r.mu.Unlock()
	if _, err := d.ReadAt(p, 0); err != syscall.ENOTSUP {
		t.Error(err)
	}
}

// TestLie: a device that breaks the protocol ends its driver, whose callers have no answer.
func TestLie(t *testing.T) {
	r := newRig(t, 1, flushes)
	_, s, _, err := r.Attach(t.Context(), ipc.Handle{Handle: 1})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- r.Read(t.Context(), s, 0, 1, 0) }()
	for in := 0; in == 0; {
		r.mu.Lock()
		in = len(r.held)
		r.mu.Unlock()
	}
	r.refuse = 99
	r.step()
	if r.failed == nil || len(done) > 0 {
		t.Fatal(r.failed)
	}
	if err := r.server.Flush(t.Context(), s); err != ipc.ErrKept {
		t.Error(err)
	}
	r.refuse = 0
	r.kill()
	if err := <-done; err != syscall.ECONNRESET {
		t.Error(err)
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{{"limit=1"}, {"limit=1ms"}, {"limit="}, {"ro"}, {"limit=-5s"}} {
		if _, err := parse(args); err == nil {
			t.Error(args)
		}
	}
	if l, err := parse(nil); l != defaultLimit || err != nil {
		t.Error(l, err)
	}
	if l, err := parse([]string{"limit=3s"}); l.Seconds() != 3 || err != nil {
		t.Error(l, err)
	}
}

// TestBadInfo: a service that says what can't be.
func TestBadInfo(t *testing.T) {
	good := Info{Sectors: 1, Memory: 64 << 10, Requests: 1, MaxData: 64}
	if checkInfo(good) != nil {
		t.Error("refused")
	}
	for _, change := range []func(*Info){
		func(i *Info) { i.Sectors = 1 << 55 }, func(i *Info) { i.Requests = 0 }, func(i *Info) { i.Requests = 1 << 20 },
		func(i *Info) { i.MaxData = 0 }, func(i *Info) { i.MaxData = 65 }, func(i *Info) { i.Memory = 0 },
	} {
		i := good
		change(&i)
		if checkInfo(i) == nil {
			t.Errorf("%+v", i)
		}
	}
}

// TestRoom compares the memory's map with a slow one.
func TestRoom(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 3))
		units := 2 + random.IntN(200)
		var r room
		r.begin(units*unit + random.IntN(unit))
		used := make([]bool, units)
		type piece struct{ at, n int }
		var all []piece
		for range 500 {
			if random.IntN(2) == 0 && len(all) > 0 {
				i := random.IntN(len(all))
				p := all[i]
				all = append(all[:i], all[i+1:]...)
				for k := range unitsOf(p.n) {
					used[p.at/unit+k] = false
				}
				r.give(p.at, p.n)
				continue
			}
			n := 1 + random.IntN(units*unit/2)
			lasting := random.IntN(2) == 0
			first := 0
			if lasting {
				first = units / 2
			}
			free, run := false, 0
			for k := first; k < units; k++ {
				if run++; used[k] {
					run = 0
				}
				free = free || run >= unitsOf(n)
			}
			at, ok := 0, true
			switch {
			case lasting:
				at, ok = r.alloc(n)
			case free:
				at = r.take(n)
			default:
				continue // it would wait
			}
			if ok != free || ok && (at%unit != 0 || at+n > units*unit || at < first*unit) {
				t.Fatalf("seed %d: %d bytes at %d, %v, want %v", seed, n, at, ok, free)
			}
			if !ok {
				continue
			}
			for k := range unitsOf(n) {
				if used[at/unit+k] {
					t.Fatalf("seed %d: unit %d is somebody's", seed, at/unit+k)
				}
				used[at/unit+k] = true
			}
			all = append(all, piece{at, n})
		}
	}
	var r room
	r.begin(10 * unit)
	for _, n := range []int{0, -1, 11 * unit, 1 << 40} {
		if _, ok := r.alloc(n); ok {
			t.Error(n)
		}
	}
}
