// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"bytes"
	"encoding/binary"
	"sync"
	"testing"

	"loam/abi"
	"loam/internal/terminal"
	"loam/user/linux/lx"
	"loam/user/streams/streamstest"
)

// newRings is a world whose streams are rings, and their host.
func newRings(t *testing.T) (*world, *streamstest.Host) {
	all, host := streamstest.New(t)
	w := newWorldOf(t, func(w *world) [3]Stream {
		return ringStreams(all, func() sync.Locker { return w.Locker() })
	})
	host.Heard()
	return w, host
}

// TestRings: readers and writers of the console streams wait for the host.
func TestRings(t *testing.T) {
	w, host := newRings(t)
	a := w.waits(lx.SysRead, 0, bufferAt, 100)
	host.Send([]byte("typed"), 100)
	w.answered(a, 5)
	if got := string(w.k.memory[0x1000:0x1005]); got != "typed" {
		t.Fatal(got)
	}
	host.Send([]byte("more"), 100)
	w.want(abi.EFAULT, lx.SysRead, 0, 1, 4)
	w.want(4, lx.SysRead, 0, bufferAt, 100) // nothing is lost
	for i := range 500_000 {
		w.k.memory[0x40000+i] = byte(i % 251)
	}
	b := w.waits(lx.SysWrite, 1, farAt, 500_000)
	w.want(2, lx.SysWrite, 2, w.put(0, "no"), 2) // stderr has room of its own
	var got []byte
	for len(got) < 500_000 {
		p := host.Take(1, 30_000)
		if len(p) == 0 {
			t.Fatalf("%d bytes, and no more", len(got))
		}
		got = append(got, p...)
	}
	w.answered(b, 500_000)
	if !bytes.Equal(got, w.k.memory[0x40000:0x40000+500_000]) || string(host.Take(2, 10)) != "no" {
		t.Fatal("other bytes")
	}
	ep := w.call(lx.SysEpollCreate1, 0)
	binary.LittleEndian.PutUint32(w.k.memory[0:], abi.EPOLLIN)
	w.want(0, lx.SysEpollCtl, ep, abi.EPOLL_CTL_ADD, 0, fakeBase)
	c := w.waits(lx.SysEpollPwait, ep, bufferAt, 8, ^uint64(0), 0, 8)
	host.End()
	w.answered(c, 1)
	w.want(0, lx.SysRead, 0, bufferAt, 100)
	w.want(abi.ENOTTY, lx.SysIoctl, 0, abi.TCGETS, bufferAt)
	w.want(abi.ENXIO, lx.SysOpenat, here, w.put(0, "/dev/tty\x00"), abi.O_RDWR)
}

// TestTerminal: the host's terminal is the program's.
func TestTerminal(t *testing.T) {
	w, host := newRings(t)
	host.Tell(terminal.Message{Kind: terminal.Facts, Terminal: [3]bool{true, true, false}, Size: terminal.Size{Rows: 24, Columns: 80}})
	w.want(0, lx.SysIoctl, 1, abi.TIOCGWINSZ, bufferAt)
	if got := w.k.memory[0x1000:0x1004]; !bytes.Equal(got, []byte{24, 0, 80, 0}) {
		t.Fatal(got)
	}
	w.want(0, lx.SysFstat, 0, bufferAt)
	want := terminal.Termios{Input: 1, Output: 2, Control: 3, Local: 4, Chars: [19]uint8{5, 18: 6}}
	w.k.slow = make(chan reply, 1)
	for _, c := range []struct {
		request uint64
		kind    terminal.Kind
		when    terminal.When
	}{{abi.TCGETS, terminal.Get, 0}, {lx.TCSETS, terminal.Set, terminal.Now}, {lx.TCSETSF, terminal.Set, terminal.Flushed}} {
		if r, now := w.begin(lx.SysIoctl, 0, c.request, bufferAt); now {
			t.Fatalf("the host isn't asked: %d", int64(r))
		}
		asked := host.Heard()
		for len(asked) == 0 { // by another goroutine
			asked = host.Heard()
		}
		m := asked[0]
		if m.Kind != c.kind || m.Stream != 0 || m.When != c.when || c.kind == terminal.Set && m.Termios != want {
			t.Fatalf("%+v", m)
		}
		host.Tell(terminal.Message{Kind: terminal.Attributes, Number: m.Number, Termios: want})
		if r := <-w.k.slow; r.result != 0 {
			t.Fatal(int64(r.result))
		}
		if !bytes.Equal(w.k.memory[0x1000:0x1000+termiosSize], putTermios(&want)) {
			t.Fatalf("% x", w.k.memory[0x1000:0x1000+termiosSize])
		}
	}
	w.want(abi.ENOTTY, lx.SysIoctl, 2, abi.TCGETS, bufferAt)
	fd := w.call(lx.SysOpenat, here, w.put(0, "/dev/tty\x00"), abi.O_RDWR)
	w.want(2, lx.SysWrite, fd, w.put(0, "hi"), 2)
}
