// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"loam/abi"
)

// twin is a descriptor here and the same one in the kernel of the host.
type twin struct {
	our  int32
	host int
}

// pair runs each operation on a System and on the host's kernel, and compares.
type pair struct {
	t     *testing.T
	r     *rand.Rand
	s     *System
	tb    *Table
	fds   []twin
	trace []string
}

func (p *pair) logf(format string, args ...any) {
	p.trace = append(p.trace, fmt.Sprintf(format, args...))
}

func (p *pair) fatalf(format string, args ...any) {
	p.t.Helper()
	for _, l := range p.trace[max(0, len(p.trace)-40):] {
		p.t.Log(l)
	}
	p.t.Fatalf(format, args...)
}

// same compares two error numbers.
func (p *pair) same(what string, our abi.Errno, host error) bool {
	p.t.Helper()
	h := abi.Errno(0)
	if host != nil {
		h = abi.Errno(host.(unix.Errno))
	}
	if our != h {
		p.fatalf("%s: %s, the host says %s", what, our.Name(), h.Name())
	}
	return our == 0
}

// again repeats a call of the host that a signal of the test's own runtime
// interrupted.
func again(call func() (int, error)) (n int, err error) {
	for {
		if n, err = call(); err != unix.EINTR {
			return n, err
		}
	}
}

// any gives a random descriptor; one in ten was never open.
func (p *pair) any() twin {
	if len(p.fds) == 0 || p.r.IntN(10) == 0 {
		return twin{MaxFD - 1 + int32(p.r.IntN(2)), 1<<20 + p.r.IntN(2)}
	}
	return p.fds[p.r.IntN(len(p.fds))]
}

func (p *pair) open() {
	if len(p.fds) > 12 {
		return
	}
	switch p.r.IntN(3) {
	case 0:
		initial, flags := uint32(p.r.IntN(3)), uint32(abi.EFD_NONBLOCK|abi.EFD_CLOEXEC)
		if p.r.IntN(2) == 0 {
			flags |= abi.EFD_SEMAPHORE
		}
		if p.r.IntN(10) == 0 {
			flags |= 2
		}
		our, e := p.s.Eventfd(p.tb, initial, flags)
		host, err := unix.Eventfd(uint(initial), int(flags))
		p.logf("eventfd(%d, %x) = %d", initial, flags, our)
		if p.same("eventfd2", e, err) {
			p.fds = append(p.fds, twin{our, host})
		}
	case 1:
		var h [2]int
		r, w, e := p.s.Pipe(p.tb, abi.O_NONBLOCK|abi.O_CLOEXEC)
		if e != 0 {
			if e != abi.EMFILE {
				p.fatalf("pipe2: %s", e.Name())
			}
			return // our limit, the host has none
		}
		if err := unix.Pipe2(h[:], unix.O_NONBLOCK|unix.O_CLOEXEC); err != nil {
			p.t.Fatal(err)
		}
		p.logf("pipe = %d, %d", r, w)
		p.fds = append(p.fds, twin{r, h[0]}, twin{w, h[1]})
	case 2:
		our, e := p.s.Epoll(p.tb, abi.EPOLL_CLOEXEC)
		host, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		p.logf("epoll = %d", our)
		if p.same("epoll_create1", e, err) {
			p.fds = append(p.fds, twin{our, host})
		}
	}
}

func (p *pair) close() {
	f := p.any()
	p.logf("close(%d)", f.our)
	p.same("close", p.s.Close(p.tb, f.our), unix.Close(f.host))
	for i := range p.fds {
		if p.fds[i] == f {
			p.fds = append(p.fds[:i], p.fds[i+1:]...)
			break
		}
	}
}

func (p *pair) dup() {
	f := p.any()
	if len(p.fds) > 12 {
		return
	}
	our, e := p.s.Fcntl(p.tb, f.our, abi.F_DUPFD_CLOEXEC, 0)
	host, err := unix.FcntlInt(uintptr(f.host), unix.F_DUPFD_CLOEXEC, 0)
	p.logf("dup(%d) = %d", f.our, our)
	if p.same("dup", e, err) {
		p.fds = append(p.fds, twin{int32(our), host})
	}
}

func (p *pair) read() {
	f := p.any()
	if info, e := p.s.Info(p.tb, f.our); e == 0 && info.Stream != None {
		return
	}
	n := []int{0, 4, 8, 8, 8, 100}[p.r.IntN(6)]
	a, b := make([]byte, n), make([]byte, n)
	our, e, blocked := p.s.Read(p.tb, f.our, a)
	host, err := again(func() (int, error) { return unix.Read(f.host, b) })
	p.logf("read(%d, %d) = %d %s", f.our, n, our, e.Name())
	if blocked {
		p.fatalf("a non-blocking read blocks")
	}
	if p.same(fmt.Sprint("read of ", n), e, err) && (our != host || !bytes.Equal(a, b)) {
		p.fatalf("read %d %x, the host %d %x", our, a, host, b)
	}
}

func (p *pair) write() {
	f := p.any()
	v := []uint64{0, 1, 2, 1<<64 - 2, 1<<64 - 3, 1<<64 - 1}[min(p.r.IntN(12), 5)]
	if p.r.IntN(2) == 0 {
		v = 1
	}
	b := word(v)[:[]int{8, 8, 8, 4, 0}[p.r.IntN(5)]]
	our, e, blocked := p.s.Write(p.tb, f.our, b)
	host, err := again(func() (int, error) { return unix.Write(f.host, b) })
	p.logf("write(%d, %x) = %d %s", f.our, b, our, e.Name())
	if blocked {
		p.fatalf("a non-blocking write blocks")
	}
	if p.same(fmt.Sprintf("write of %x", b), e, err) && our != host {
		p.fatalf("wrote %d, the host %d", our, host)
	}
}

func (p *pair) ctl() {
	ep, f := p.any(), p.any()
	op := uint32(p.r.IntN(5))
	events := uint32(p.r.IntN(8))&^abi.EPOLLPRI | []uint32{0, abi.EPOLLET, abi.EPOLLONESHOT, abi.EPOLLET | abi.EPOLLONESHOT, abi.EPOLLEXCLUSIVE}[p.r.IntN(5)]
	if a, e := p.s.lookup(p.tb, ep.our); e == 0 && a.kind == kindEpoll {
		if b, e := p.s.lookup(p.tb, f.our); e == 0 && b.kind == kindEpoll && a != b {
			return // the host can do that, we can't
		}
	}
	if op == abi.EPOLL_CTL_ADD && p.otherName(ep, f) {
		return // Linux tells entries on one file last in, first out
	}
	e := p.s.EpollCtl(p.tb, ep.our, op, f.our, abi.EpollEvent{Events: events, Data: uint64(f.our)})
	err := unix.EpollCtl(ep.host, int(op), f.host, &unix.EpollEvent{Events: events, Fd: f.our})
	p.logf("epoll_ctl(%d, %d, %d, %x): %s", ep.our, op, f.our, events, e.Name())
	p.same(fmt.Sprintf("epoll_ctl(%d, %d, %d, %x)", ep.our, op, f.our, events), e, err)
}

// otherName reports whether ep has an entry for f's file under another name.
func (p *pair) otherName(ep, f twin) bool {
	x, e := p.s.lookup(p.tb, ep.our)
	y, e2 := p.s.lookup(p.tb, f.our)
	if e != 0 || e2 != 0 {
		return false
	}
	for w := y.watches.First(); w >= 0; w = y.watches.Next(p.s.onFile, w) {
		if v := p.s.watches.Index(w); v.epoll == x.index && v.fd != f.our {
			return true
		}
	}
	return false
}

func (p *pair) wait(ep twin) {
	n := p.r.IntN(4)
	out := make([]abi.EpollEvent, n)
	host := make([]unix.EpollEvent, n)
	our, e := p.s.EpollWait(p.tb, ep.our, out)
	var h int
	var err error
	if n == 0 {
		err = unix.EINVAL // x/sys can't pass a length of 0 with a pointer
		if _, ee := p.s.lookup(p.tb, ep.our); ee != 0 {
			err = unix.EBADF
		}
	} else {
		h, err = again(func() (int, error) { return unix.EpollWait(ep.host, host, 0) })
	}
	p.logf("epoll_wait(%d, %d) = %v %s", ep.our, n, out[:our], e.Name())
	if !p.same("epoll_wait", e, err) {
		return
	}
	bad := our != h
	for i := range out[:min(our, h)] {
		bad = bad || out[i].Events != host[i].Events || out[i].Data != uint64(host[i].Fd)
	}
	if bad {
		p.fatalf("epoll_wait(%d): %v, the host %v", ep.our, out[:our], host[:h])
	}
}

// readiness compares poll(2) on everything that is open.
func (p *pair) readiness() {
	for _, f := range p.fds {
		h := []unix.PollFd{{Fd: int32(f.host), Events: -1}}
		if _, err := again(func() (int, error) { return unix.Poll(h, 0) }); err != nil {
			p.t.Fatal(err)
		}
		if our := p.s.Events(p.tb, f.our); our != uint32(uint16(h[0].Revents)) {
			p.fatalf("poll(%d): %x, the host %x", f.our, our, uint16(h[0].Revents))
		}
	}
}

// TestAgainstHost runs random operations here and in Linux. Pipes are never
// filled, since their capacity is counted otherwise there.
func TestAgainstHost(t *testing.T) {
	for seed := range uint64(40) {
		p := &pair{t: t, r: rand.New(rand.NewPCG(seed, 11)), s: New(small)}
		var e abi.Errno
		if p.tb, e = p.s.NewTable(); e != 0 {
			t.Fatal(e)
		}
		for range 400 {
			switch p.r.IntN(12) {
			case 0, 1:
				p.open()
			case 2:
				if p.r.IntN(3) == 0 {
					p.close()
				}
			case 3:
				if p.r.IntN(3) == 0 {
					p.dup()
				}
			case 4, 5:
				p.read()
			case 6, 7:
				p.write()
			case 8, 9:
				p.ctl()
			default:
				p.wait(p.any())
			}
			p.readiness()
			woken(p.s)
		}
		for _, f := range p.fds {
			unix.Close(f.host)
		}
		p.s.FreeTable(p.tb)
		if p.s.files.Len()+p.s.pipes.Len()+p.s.watches.Len()+p.s.tables.Len() != 0 {
			t.Fatalf("left over: %d files, %d pipes, %d watches", p.s.files.Len(), p.s.pipes.Len(), p.s.watches.Len())
		}
	}
}
