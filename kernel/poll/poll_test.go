// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"encoding/binary"
	"testing"

	"loam/abi"
)

var small = Config{
	Threads: 8, Tables: 2, Files: 24, Pipes: 4, PipeBytes: 8192, Watches: 16,
	PipesPerTable: 3, WatchesPerTable: 10,
}

func setup(t *testing.T) (*System, *Table) {
	t.Helper()
	s := New(small)
	tb, errno := s.NewTable()
	if errno != 0 {
		t.Fatal(errno)
	}
	return s, tb
}

// must fails the test on an error number.
func must[T any](t *testing.T) func(v T, errno abi.Errno) T {
	return func(v T, errno abi.Errno) T {
		t.Helper()
		if errno != 0 {
			t.Fatal(errno.Name())
		}
		return v
	}
}

func word(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// woken takes all woken threads.
func woken(s *System) (all []int32) {
	for {
		t, ok := s.NextWoken()
		if !ok {
			return all
		}
		all = append(all, t)
	}
}

// TestPollerOfGo goes through what Go's poller does: an eventfd in an epoll,
// edge-triggered never, woken by a write.
func TestPollerOfGo(t *testing.T) {
	s, tb := setup(t)
	ep := must[int32](t)(s.Epoll(tb, abi.EPOLL_CLOEXEC))
	ev := must[int32](t)(s.Eventfd(tb, 0, abi.EFD_CLOEXEC|abi.EFD_NONBLOCK))
	if ep != 3 || ev != 4 {
		t.Fatalf("descriptors %d, %d", ep, ev)
	}
	if e := s.EpollCtl(tb, ep, abi.EPOLL_CTL_ADD, ev, abi.EpollEvent{Events: abi.EPOLLIN, Data: 77}); e != 0 {
		t.Fatal(e)
	}
	out := make([]abi.EpollEvent, 8)
	for range 3 {
		if n, e := s.EpollWait(tb, ep, out); n != 0 || e != 0 {
			t.Fatalf("EpollWait = %d %v", n, e)
		}
		if e := s.Wait(5, tb, ep, abi.EPOLLIN); e != 0 {
			t.Fatal(e)
		}
		if w := woken(s); w != nil {
			t.Fatalf("woken %v before the write", w)
		}
		if n, e, b := s.Write(tb, ev, word(1)); n != 8 || e != 0 || b {
			t.Fatalf("Write = %d %v %v", n, e, b)
		}
		if w := woken(s); len(w) != 1 || w[0] != 5 {
			t.Fatalf("woken %v", w)
		}
		if n, e := s.EpollWait(tb, ep, out); n != 1 || e != 0 || out[0] != (abi.EpollEvent{Events: abi.EPOLLIN, Data: 77}) {
			t.Fatalf("EpollWait = %d %v %v", n, e, out[0])
		}
		buf := make([]byte, 8)
		if n, e, _ := s.Read(tb, ev, buf); n != 8 || e != 0 || binary.LittleEndian.Uint64(buf) != 1 {
			t.Fatalf("Read = %d %v", n, e)
		}
		if _, e, b := s.Read(tb, ev, buf); e != abi.EAGAIN || b {
			t.Fatalf("empty Read = %v %v", e, b)
		}
	}
}
