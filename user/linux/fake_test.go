// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"crypto/rand"
	"testing"
	"time"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/vfs"
)

// fakeKernel is a kernel whose callers' memory is one piece of the test's.
type fakeKernel struct {
	base    uint64
	memory  []byte
	now     int64
	alarm   int64
	replies map[uint64]reply
	signals []abi.Signal

	last     *fakeMemory // that was mapped last
	mapping  mapping
	mayWrite bool

	slow chan reply // of calls that goroutines do, if it isn't nil
}

type reply struct {
	result      uint64
	interrupted bool
}

func (k *fakeKernel) at(addr uint64, n int) []byte {
	if addr < k.base || addr-k.base > uint64(len(k.memory)) {
		return nil
	}
	p := k.memory[addr-k.base:]
	return p[:min(n, len(p))]
}

// Read moves as much at once as the kernel does.
func (k *fakeKernel) Read(_, addr uint64, p []byte) int {
	if len(p) > abi.MaxMessageBytes {
		return 0
	}
	return copy(p, k.at(addr, len(p)))
}

func (k *fakeKernel) Write(_, addr uint64, p []byte) int {
	if len(p) > abi.MaxMessageBytes {
		return 0
	}
	return copy(k.at(addr, len(p)), p)
}

func (k *fakeKernel) Now() int64     { return k.now }
func (k *fakeKernel) Another() bool  { return false }
func (k *fakeKernel) Alarm(at int64) { k.alarm = at }

// fakeMemory is memory that is mapped as often as its test says.
type fakeMemory struct {
	b      []byte
	mapped int
	closed bool
}

func (m *fakeMemory) Bytes() []byte { return m.b }
func (m *fakeMemory) Shared() bool  { return m.mapped > 0 }
func (m *fakeMemory) Close()        { m.closed = true }

func (m *fakeMemory) Grow(size int64) abi.Errno {
	m.b = append(m.b, make([]byte, max(int(size+4095)&^4095-len(m.b), 0))...)
	return 0
}

func (k *fakeKernel) NewMemory(size int64) (vfs.Memory, abi.Errno) {
	return &fakeMemory{b: make([]byte, (size+4095)&^4095)}, 0
}

func (k *fakeKernel) Map(_ uint64, m vfs.Memory, mayWrite bool, g *mapping) (uint64, abi.Errno) {
	k.last, k.mayWrite, k.mapping = m.(*fakeMemory), mayWrite, *g
	k.last.mapped++
	return 0x7000_0000, 0
}

func (k *fakeKernel) Signal(_ uint64, s abi.Signal) { k.signals = append(k.signals, s) }

func (k *fakeKernel) Reply(token, result uint64, interrupted bool) {
	if k.slow != nil {
		k.slow <- reply{result, interrupted}
		return
	}
	k.replies[token] = reply{result, interrupted}
}

type fakeMachine struct{}

func (fakeMachine) CPUs() int                { return 2 }
func (fakeMachine) Memory() (uint64, uint64) { return 1 << 30, 1 << 29 }

func (fakeMachine) File(name string) []byte {
	switch name {
	case "program":
		return []byte("\x7fELF")
	case "service":
		return []byte("a service's")
	}
	return nil
}

// fakeStream is a stream of the test's.
type fakeStream struct {
	in    []byte
	ended bool
	out   []byte
	room  int
	queue poll.Queue
}

func (s *fakeStream) Queue() *poll.Queue { return &s.queue }

func (s *fakeStream) Events() (v uint32) {
	if len(s.in) > 0 || s.ended {
		v |= abi.EPOLLIN
	}
	if s.room > 0 {
		v |= abi.EPOLLOUT
	}
	return v
}

func (s *fakeStream) TryRead(b Buffer) (int, abi.Errno) {
	if len(s.in) == 0 && !s.ended {
		return 0, lx.Wait
	}
	n, e := b.Put(s.in[:min(len(s.in), b.Len())])
	s.in = s.in[n:]
	return n, e
}

func (s *fakeStream) TryWrite(b Buffer) (int, abi.Errno) {
	p := make([]byte, min(b.Len(), s.room))
	n, e := b.Get(p)
	s.out, s.room = append(s.out, p[:n]...), s.room-n
	if e == 0 && b.Len() > 0 {
		e = lx.Wait
	}
	return n, e
}

func (s *fakeStream) Terminal() bool { return false }

func (s *fakeStream) Control(vfs.Waiter, uint32, []byte) ([]byte, abi.Errno) {
	return nil, abi.ENOTTY
}

// world is a server with one process.
type world struct {
	*Server
	t      testing.TB
	k      *fakeKernel
	stream [3]*fakeStream
	badge  uint64
	token  uint64

	interrupted bool // a signal has come to who calls
}

const fakeBase = 0x10000

func newWorld(t testing.TB) *world { return newWorldOf(t, nil) }

// newWorldOf is newWorld with standard streams of the test's.
func newWorldOf(t testing.TB, streams func(*world) [3]Stream) *world {
	w := &world{t: t, k: &fakeKernel{base: fakeBase, memory: make([]byte, 1<<20), now: 1e9, alarm: never, replies: map[uint64]reply{}}}
	c := Config{Kernel: w.k, Machine: fakeMachine{}, Memory: 64 << 20, Clock: func() abi.Timespec { return abi.TimespecOf(time.Now().UnixNano()) },
		Random: func(p []byte) { _, _ = rand.Read(p) }}
	for i := range w.stream {
		w.stream[i] = &fakeStream{room: 1 << 20}
		c.Streams[i] = w.stream[i]
	}
	if streams != nil {
		c.Streams = streams(w)
	}
	w.Server = New(c)
	w.badge = w.Adopt(42, "test", "/boot/program", "/")
	return w
}

// call makes a call that is answered at once.
func (w *world) call(nr int, args ...uint64) uint64 {
	w.t.Helper()
	r, now := w.begin(nr, args...)
	if !now {
		w.t.Fatalf("call %d waits", nr)
	}
	return r
}

// begin makes a call, and reports whether it was answered at once.
func (w *world) begin(nr int, args ...uint64) (uint64, bool) {
	w.token++
	c := Call{Number: uint64(nr), Badge: w.badge, Token: w.token, Interrupted: w.interrupted}
	copy(c.Args[:], args)
	return w.Handle(&c)
}

// put puts bytes into the caller's memory at an offset, and gives their address.
func (w *world) put(off int, b string) uint64 {
	copy(w.k.memory[off:], b)
	return fakeBase + uint64(off)
}

// want checks a call's result: a number, or an abi.Errno.
func (w *world) want(want any, nr int, args ...uint64) {
	w.t.Helper()
	r := w.call(nr, args...)
	switch v := want.(type) {
	case int:
		if r != uint64(v) {
			w.t.Fatalf("%s: %d, want %d", abi.Name(abi.HostArch, uint64(nr)), int64(r), v)
		}
	case abi.Errno:
		if e, bad := abi.Failed(r); !bad || e != v {
			w.t.Fatalf("%s: %d, want %s", abi.Name(abi.HostArch, uint64(nr)), int64(r), v.Name())
		}
	}
}
