// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"loam/abi"
)

// TestNoLostWakeup drives everything at random, blocking files included, and
// after each step looks at every parked thread: nothing it waits for may be
// true, and it is parked or woken but never both or neither.
func TestNoLostWakeup(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 12))
		s, tb := setup(t)
		parked := map[int32]bool{}
		out := make([]abi.EpollEvent, 2)
		buf := make([]byte, 8192)
		for range 1500 {
			fd := int32(r.IntN(16))
			switch r.IntN(14) {
			case 0:
				s.Eventfd(tb, uint32(r.IntN(2)), 0)
			case 1:
				s.Pipe(tb, uint32(r.IntN(2))*abi.O_NONBLOCK)
			case 2:
				s.Epoll(tb, 0)
			case 3:
				if r.IntN(8) == 0 {
					s.Close(tb, fd)
				}
			case 4:
				s.Dup(tb, fd, 0, false)
			case 5:
				s.Read(tb, fd, buf[:8<<r.IntN(11)])
			case 6, 7:
				s.Write(tb, fd, append(word(uint64(1+r.IntN(3))), make([]byte, r.IntN(8000))...))
			case 8:
				events := uint32(r.IntN(8)) | []uint32{0, abi.EPOLLET, abi.EPOLLONESHOT}[r.IntN(3)]
				s.EpollCtl(tb, fd, uint32(1+r.IntN(3)), int32(r.IntN(16)), abi.EpollEvent{Events: events})
			case 9:
				s.EpollWait(tb, fd, out)
			case 10:
				s.SetStream(tb, Stream(r.IntN(3)), []uint32{0, abi.EPOLLIN, abi.EPOLLOUT}[r.IntN(3)])
			case 11, 12:
				if th := int32(r.IntN(small.Threads)); !parked[th] {
					if r.IntN(5) == 0 {
						s.WaitAny(th, tb)
						parked[th] = true
					} else if s.Wait(th, tb, fd, uint32(1+r.IntN(5))) == 0 {
						parked[th] = true
					}
				}
			case 13:
				th := int32(r.IntN(small.Threads))
				if s.Cancel(th) != parked[th] {
					t.Fatalf("Cancel(%d) with parked %v", th, parked[th])
				}
				delete(parked, th)
			}
			for _, th := range woken(s) {
				if !parked[th] {
					t.Fatalf("thread %d woken but not parked", th)
				}
				delete(parked, th)
			}
			checkParked(t, s, parked)
		}
	}
}

func checkParked(t *testing.T, s *System, parked map[int32]bool) {
	t.Helper()
	for th := range int32(small.Threads) {
		w := s.waits[th]
		if (w.place != nowhere) != parked[th] || s.links[th].Linked() != parked[th] {
			t.Fatalf("thread %d: place %d, parked %v", th, w.place, parked[th])
		}
		if w.place != onAFile {
			continue
		}
		f := s.files.Index(w.file)
		if f.refs <= 0 {
			t.Fatalf("thread %d waits on a closed file", th)
		}
		if e := s.events(f) &^ f.doubtful(); e&w.events != 0 {
			t.Fatalf("thread %d waits for %x on a file of kind %d with %x: lost wake-up", th, w.events, f.kind, e)
		}
	}
}

// A write that an eventfd has no room for waits for a read, though the eventfd
// has room for less: woken at once it would find the same again, for ever.
func TestEventfdWriterWaits(t *testing.T) {
	s, tb := setup(t)
	fd, _ := s.Eventfd(tb, 1, 0)
	if _, _, blocked := s.Write(tb, fd, word(1<<64-2)); !blocked {
		t.Fatal("the write doesn't block")
	}
	s.Wait(3, tb, fd, abi.EPOLLOUT)
	if w := woken(s); len(w) != 0 {
		t.Fatalf("woken at once: %v", w)
	}
	s.Read(tb, fd, make([]byte, 8))
	if w := woken(s); len(w) != 1 || w[0] != 3 {
		t.Fatalf("after a read %v are woken, want thread 3", w)
	}
}

func TestPipeData(t *testing.T) {
	s, tb := setup(t)
	r, w, e := s.Pipe(tb, abi.O_NONBLOCK)
	if e != 0 {
		t.Fatal(e)
	}
	rnd := rand.New(rand.NewPCG(1, 13))
	var model []byte
	next := byte(0)
	for range 5000 {
		if rnd.IntN(2) == 0 {
			p := make([]byte, rnd.IntN(9000))
			for i := range p {
				p[i] = next + byte(i)
			}
			room := small.PipeBytes - len(model)
			n, e, _ := s.Write(tb, w, p)
			switch {
			case len(p) == 0:
			case room == 0 || len(p) <= abi.PIPE_BUF && room < len(p):
				if n != 0 || e != abi.EAGAIN {
					t.Fatalf("write of %d with room for %d: %d %v", len(p), room, n, e)
				}
			default:
				if e != 0 || n != min(room, len(p)) {
					t.Fatalf("write of %d with room for %d: %d %v", len(p), room, n, e)
				}
			}
			model = append(model, p[:n]...)
			next += byte(n)
		} else {
			p := make([]byte, rnd.IntN(5000))
			n, e, _ := s.Read(tb, r, p)
			if want := min(len(p), len(model)); n != want || (e == abi.EAGAIN) != (len(model) == 0 && len(p) > 0) {
				t.Fatalf("read of %d from %d: %d %v", len(p), len(model), n, e)
			}
			if !bytes.Equal(p[:n], model[:n]) {
				t.Fatal("wrong bytes")
			}
			model = model[n:]
		}
		wantOut := small.PipeBytes-len(model) >= abi.PIPE_BUF
		if got := s.Events(tb, w)&abi.EPOLLOUT != 0; got != wantOut {
			t.Fatalf("writable %v with %d bytes", got, len(model))
		}
	}
	s.Close(tb, w)
	for len(model) > 0 {
		p := make([]byte, 4096)
		n, e, _ := s.Read(tb, r, p)
		if e != 0 || n == 0 {
			t.Fatalf("%d bytes left, read %d %v", len(model), n, e)
		}
		model = model[n:]
	}
	if n, e, b := s.Read(tb, r, make([]byte, 9)); n != 0 || e != 0 || b {
		t.Fatalf("at the end: %d %v %v", n, e, b)
	}
}

// TestBlocked: operations on blocking files say so and change nothing.
func TestBlocked(t *testing.T) {
	s, tb := setup(t)
	ev := must[int32](t)(s.Eventfd(tb, 0, 0))
	r, w, _ := s.Pipe(tb, 0)
	for _, fd := range []int32{ev, r} {
		if n, e, b := s.Read(tb, fd, make([]byte, 8)); n != 0 || e != 0 || !b {
			t.Errorf("read of %d: %d %v %v", fd, n, e, b)
		}
	}
	s.Write(tb, w, make([]byte, small.PipeBytes))
	s.Write(tb, ev, word(1<<64-2))
	for fd, p := range map[int32][]byte{ev: word(1), w: {1}} {
		if n, e, b := s.Write(tb, fd, p); n != 0 || e != 0 || !b {
			t.Errorf("write of %d: %d %v %v", fd, n, e, b)
		}
	}
	// A waiting writer is woken by the close of the other end, and finds EPIPE.
	s.Wait(1, tb, w, abi.EPOLLOUT)
	s.Close(tb, r)
	if got := woken(s); !slices.Equal(got, []int32{1}) {
		t.Errorf("woken %v", got)
	}
	if _, e, _ := s.Write(tb, w, []byte{1}); e != abi.EPIPE {
		t.Errorf("write without reader: %v", e)
	}
}

func TestStreams(t *testing.T) {
	s, tb := setup(t)
	for fd, want := range []Info{{Stdin, true, false, false}, {Stdout, false, true, false}, {Stderr, false, true, false}} {
		if got, e := s.Info(tb, int32(fd)); e != 0 || got != want {
			t.Errorf("%d: %+v %v", fd, got, e)
		}
	}
	ev := must[int32](t)(s.Eventfd(tb, 0, abi.EFD_NONBLOCK))
	if got, _ := s.Info(tb, ev); got != (Info{None, true, true, true}) {
		t.Errorf("eventfd: %+v", got)
	}
	if s.Events(tb, 0) != 0 || s.Events(tb, 1)&abi.EPOLLOUT == 0 {
		t.Error("readiness at the start")
	}
	d, _ := s.Dup(tb, 0, 9, false)
	s.Close(tb, 0)
	if d != 9 {
		t.Fatalf("dup gave %d", d)
	}
	s.Wait(2, tb, d, abi.EPOLLIN)
	s.SetStream(tb, Stdin, abi.EPOLLIN)
	if got := woken(s); !slices.Equal(got, []int32{2}) || s.Events(tb, d) != abi.EPOLLIN {
		t.Errorf("woken %v, events %x", got, s.Events(tb, d))
	}
	s.Close(tb, d)
	s.SetStream(tb, Stdin, 0) // nobody has it open any more
	if _, e := s.Info(tb, 0); e != abi.EBADF {
		t.Errorf("closed stdin: %v", e)
	}
}

func TestDescriptors(t *testing.T) {
	s, tb := setup(t)
	ev := must[int32](t)(s.Eventfd(tb, 7, abi.EFD_CLOEXEC))
	fcntl := func(fd int32, cmd uint32, arg uint64) uint64 {
		t.Helper()
		return must[uint64](t)(s.Fcntl(tb, fd, cmd, arg))
	}
	if fcntl(ev, abi.F_GETFD, 0) != 1 || fcntl(0, abi.F_GETFD, 0) != 0 || fcntl(ev, abi.F_GETFL, 0) != abi.O_RDWR ||
		fcntl(1, abi.F_GETFL, 0) != abi.O_WRONLY {
		t.Error("flags at the start")
	}
	fcntl(ev, abi.F_SETFD, 0)
	fcntl(ev, abi.F_SETFL, abi.O_NONBLOCK|abi.O_RDONLY)
	if fcntl(ev, abi.F_GETFD, 0) != 0 || fcntl(ev, abi.F_GETFL, 0) != abi.O_RDWR|abi.O_NONBLOCK {
		t.Error("flags after setting them")
	}
	if fd := fcntl(ev, abi.F_DUPFD, 100); fd != 100 || fcntl(100, abi.F_GETFL, 0)&abi.O_NONBLOCK == 0 {
		t.Errorf("F_DUPFD gave %d", fd)
	}
	if fd := fcntl(ev, abi.F_DUPFD_CLOEXEC, 100); fd != 101 || fcntl(101, abi.F_GETFD, 0) != 1 {
		t.Errorf("F_DUPFD_CLOEXEC gave %d", fd)
	}
	if fd, e := s.Dup3(tb, ev, 50, abi.O_CLOEXEC); fd != 50 || e != 0 || fcntl(50, abi.F_GETFD, 0) != 1 {
		t.Errorf("Dup3: %d %v", fd, e)
	}
	if _, e := s.Dup3(tb, ev, 1, 0); e != 0 || fcntl(1, abi.F_GETFL, 0)&abi.O_ACCMODE != abi.O_RDWR {
		t.Errorf("Dup3 over stdout: %v", e)
	}
	r, _, _ := s.Pipe(tb, 0)
	if fcntl(r, abi.F_GETPIPE_SZ, 0) != uint64(small.PipeBytes) {
		t.Error("F_GETPIPE_SZ")
	}
	for what, e := range map[string]abi.Errno{
		"EBADF getfl closed":    second(s.Fcntl(tb, 200, abi.F_GETFL, 0)),
		"EBADF size of eventfd": second(s.Fcntl(tb, ev, abi.F_GETPIPE_SZ, 0)),
		"EINVAL command":        second(s.Fcntl(tb, ev, 99, 0)),
		"EINVAL dupfd far":      second(s.Fcntl(tb, ev, abi.F_DUPFD, MaxFD)),
		"EINVAL dup far":        second(s.Dup(tb, ev, -1, false)),
		"EINVAL dup3 same":      second(s.Dup3(tb, ev, ev, 0)),
		"EINVAL dup3 flags":     second(s.Dup3(tb, ev, 60, 1)),
		"EBADF dup3 from":       second(s.Dup3(tb, 200, 60, 0)),
		"EBADF dup3 to":         second(s.Dup3(tb, ev, MaxFD, 0)),
		"EBADF stat":            second(s.Stat(tb, -1)),
		"EBADF wait":            s.Wait(0, tb, 200, 1),
		"EINVAL pipe flags":     second(s.Epoll(tb, 1)),
	} {
		if name, _, _ := bytes.Cut([]byte(what), []byte(" ")); string(name) != e.Name() {
			t.Errorf("%s: got %q", what, e.Name())
		}
	}
}

func second[T any](_ T, e abi.Errno) abi.Errno { return e }

func TestStat(t *testing.T) {
	s, tb := setup(t)
	ev := must[int32](t)(s.Eventfd(tb, 0, 0))
	r, w, _ := s.Pipe(tb, 0)
	for fd, want := range map[int32]uint32{0: abi.S_IFIFO | 0o600, r: abi.S_IFIFO | 0o600, ev: 0o600} {
		if st, e := s.Stat(tb, fd); e != 0 || st.Mode != want {
			t.Errorf("%d: mode %o, %v", fd, st.Mode, e)
		}
	}
	a, _ := s.Stat(tb, r)
	b, _ := s.Stat(tb, w)
	if a.Ino != b.Ino {
		t.Error("the ends of a pipe are two files")
	}
}

// TestLimits: nothing a process does takes more than its share, and all of it
// comes back.
func TestLimits(t *testing.T) {
	s, tb := setup(t)
	pipes := 0
	for {
		if _, _, e := s.Pipe(tb, 0); e != 0 {
			if e != abi.EMFILE {
				t.Fatal(e)
			}
			break
		}
		pipes++
	}
	if pipes != small.PipesPerTable {
		t.Errorf("%d pipes", pipes)
	}
	ep := must[int32](t)(s.Epoll(tb, 0))
	ev := must[int32](t)(s.Eventfd(tb, 1, 0))
	watches := 0
	for {
		fd, e := s.Dup(tb, ev, 0, false)
		if e != 0 {
			t.Fatal(e)
		}
		if e := s.EpollCtl(tb, ep, abi.EPOLL_CTL_ADD, fd, abi.EpollEvent{Events: 1}); e != 0 {
			if e != abi.ENOSPC {
				t.Fatal(e)
			}
			break
		}
		watches++
	}
	if watches != small.WatchesPerTable {
		t.Errorf("%d watches", watches)
	}
	for {
		if _, e := s.Eventfd(tb, 0, 0); e != 0 {
			if e != abi.ENFILE {
				t.Fatal(e)
			}
			break
		}
	}
	if _, e := s.NewTable(); e != abi.ENFILE {
		t.Errorf("a table with no files left: %v", e)
	}
	for {
		if _, e := s.Dup(tb, ev, 0, false); e != 0 {
			if e != abi.EMFILE {
				t.Fatal(e)
			}
			break
		}
	}
	if _, _, e := s.Pipe(tb, 0); e != abi.EMFILE {
		t.Error("a pipe in a full table")
	}
	s.FreeTable(tb)
	if s.files.Len()+s.pipes.Len()+s.watches.Len()+s.tables.Len() != 0 {
		t.Errorf("left over: %d files, %d pipes, %d watches, %d tables", s.files.Len(), s.pipes.Len(), s.watches.Len(), s.tables.Len())
	}
}

// TestPipeFailsWhole: a pipe whose second descriptor can't be had leaves nothing.
func TestPipeFailsWhole(t *testing.T) {
	s, tb := setup(t)
	for {
		fd, e := s.Dup(tb, 0, 0, false)
		if e != 0 {
			t.Fatal(e)
		}
		if fd == MaxFD-2 {
			break
		}
	}
	files := s.files.Len()
	if _, _, e := s.Pipe(tb, 0); e != abi.EMFILE {
		t.Fatal(e)
	}
	if s.files.Len() != files || s.pipes.Len() != 0 || tb.pipes != 0 {
		t.Errorf("left over: %d files, %d pipes", s.files.Len()-files, s.pipes.Len())
	}
	if fd, e := s.Eventfd(tb, 0, 0); fd != MaxFD-1 || e != 0 {
		t.Errorf("the last descriptor: %d %v", fd, e)
	}
}

// TestSharedPools: when another process has taken the rest, the answer is an
// error of its own.
func TestSharedPools(t *testing.T) {
	c := small
	c.Pipes, c.Watches, c.Files = 1, 1, 64
	s := New(c)
	a, _ := s.NewTable()
	b, _ := s.NewTable()
	if _, e := s.NewTable(); e != abi.ENFILE {
		t.Errorf("a third table: %v", e)
	}
	s.Pipe(a, 0)
	if _, _, e := s.Pipe(b, 0); e != abi.ENFILE {
		t.Errorf("a second pipe: %v", e)
	}
	if _, _, e := s.Pipe(b, abi.O_RDWR); e != abi.EINVAL {
		t.Errorf("pipe flags: %v", e)
	}
	ep := must[int32](t)(s.Epoll(b, 0))
	for fd, want := range []abi.Errno{0, abi.ENOSPC} {
		if e := s.EpollCtl(b, ep, abi.EPOLL_CTL_ADD, int32(fd), abi.EpollEvent{}); e != want {
			t.Errorf("watch of %d: %v", fd, e)
		}
	}
}

func TestNewRefusesConfig(t *testing.T) {
	for _, bytes := range []int{0, 2048, 5000} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("pipes of %d bytes accepted", bytes)
				}
			}()
			c := small
			c.PipeBytes = bytes
			New(c)
		}()
	}
}

func TestEpollOfEpoll(t *testing.T) {
	s, tb := setup(t)
	a := must[int32](t)(s.Epoll(tb, 0))
	b := must[int32](t)(s.Epoll(tb, 0))
	if e := s.EpollCtl(tb, a, abi.EPOLL_CTL_ADD, b, abi.EpollEvent{Events: 1}); e != abi.ELOOP {
		t.Errorf("%v", e)
	}
}

func TestNoAllocation(t *testing.T) {
	s, tb := setup(t)
	out := make([]abi.EpollEvent, 4)
	buf := make([]byte, 100)
	one := word(1)
	if n := testing.AllocsPerRun(100, func() {
		ep, _ := s.Epoll(tb, 0)
		ev, _ := s.Eventfd(tb, 0, 0)
		r, w, _ := s.Pipe(tb, 0)
		s.EpollCtl(tb, ep, abi.EPOLL_CTL_ADD, ev, abi.EpollEvent{Events: abi.EPOLLIN})
		s.EpollCtl(tb, ep, abi.EPOLL_CTL_ADD, r, abi.EpollEvent{Events: abi.EPOLLIN | abi.EPOLLET})
		s.Wait(1, tb, ep, abi.EPOLLIN)
		s.WaitAny(2, tb)
		s.Write(tb, ev, one)
		s.Write(tb, w, one)
		for {
			if _, ok := s.NextWoken(); !ok {
				break
			}
		}
		s.EpollWait(tb, ep, out)
		s.Read(tb, ev, buf)
		s.Read(tb, r, buf)
		for _, fd := range [...]int32{ep, ev, r, w} {
			s.Close(tb, fd)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPollerWake(b *testing.B) {
	s := New(small)
	tb, _ := s.NewTable()
	ep, _ := s.Epoll(tb, 0)
	ev, _ := s.Eventfd(tb, 0, 0)
	s.EpollCtl(tb, ep, abi.EPOLL_CTL_ADD, ev, abi.EpollEvent{Events: abi.EPOLLIN})
	out := make([]abi.EpollEvent, 4)
	buf, one := make([]byte, 8), word(1)
	for b.Loop() {
		s.Wait(1, tb, ep, abi.EPOLLIN)
		s.Write(tb, ev, one)
		s.NextWoken()
		s.EpollWait(tb, ep, out)
		s.Read(tb, ev, buf)
	}
}
