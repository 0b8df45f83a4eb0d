// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func callCases() []cases.Case {
	return []cases.Case{
		{Name: "read and write", Run: readWrite},
		{Name: "readv and writev", Run: vectors},
		{Name: "epoll_wait", Run: epoll},
		{Name: "futex", Run: futex},
		{Name: "nanosleep and clock_gettime", Run: clocks},
		{Name: "rt_sigtimedwait", Run: sigtimedwait},
		{Name: "signal frames", Run: frames},
		{Name: "message buffers", Run: messages},
		{Name: "a receiver's buffers", Run: receiver},
		{Name: "process_create", Run: processCreate},
		{Name: "memory_supply from paged memory", Run: supplyFromPaged},
	}
}

// slot is absent memory in pieces of a page, handed out one after the other.
type slot struct {
	*paged
	b    []byte
	next uint64
}

const slotPages = 64

// newSlots makes absent memory that has what content says, page by page.
func newSlots() *slot {
	s := &slot{paged: newPaged(slotPages*abi.PageSize, "1")}
	s.b = s.here(abi.PROT_READ | abi.PROT_WRITE)
	return s
}

func (s *slot) close() {
	unmap(s.b)
	s.end()
}

// with gives a fresh page that will have content at its start.
func (s *slot) with(content []byte) []byte {
	at := s.next
	s.next += abi.PageSize
	copy(s.source[at:], content)
	return s.b[at : at+abi.PageSize]
}

// words gives a fresh page with words at its start.
func (s *slot) words(v ...uint64) []byte {
	b := make([]byte, 8*len(v))
	for i, w := range v {
		binary.LittleEndian.PutUint64(b[8*i:], w)
	}
	return s.with(b)
}

// fresh gives an absent page.
func (s *slot) fresh() []byte { return s.with(nil) }

// rawCall makes a system call with addresses of absent memory in it.
func rawCall(nr uintptr, a ...uint64) (uint64, syscall.Errno) {
	var v [6]uintptr
	for i, x := range a {
		v[i] = uintptr(x)
	}
	r, _, e := syscall.Syscall6(nr, v[0], v[1], v[2], v[3], v[4], v[5])
	return uint64(r), e
}

// want makes a call and wants a result.
func want(result uint64, e syscall.Errno, nr uintptr, a ...uint64) error {
	if got, err := rawCall(nr, a...); err != e || e == 0 && got != result {
		return fmt.Errorf("call %d: %d, %v, want %d, %v", nr, int64(got), err, result, e)
	}
	return nil
}

func at(b []byte) uint64 { return addressOf(&b[0]) }

func pipe() (r, w uint64) {
	var fd [2]int
	try(syscall.Pipe2(fd[:], syscall.O_NONBLOCK))
	return uint64(fd[0]), uint64(fd[1])
}

func closeAll(fds ...uint64) {
	for _, fd := range fds {
		try(syscall.Close(int(fd)))
	}
}

// across is a buffer that begins 100 bytes before the end of an absent page and ends in the next
// one, also absent.
func (s *slot) across(content []byte) []byte {
	begin := s.next + abi.PageSize - 100
	s.next += 2 * abi.PageSize
	copy(s.source[begin:], content)
	return s.b[begin:s.next]
}

func readWrite() error {
	s := newSlots()
	defer s.close()
	r, w := pipe()
	defer closeAll(r, w)
	text := bytes.Repeat([]byte("0123456789"), 30)
	from, to := s.across(text), s.across(nil)
	if err := want(300, 0, syscall.SYS_WRITE, w, at(from), 300); err != nil {
		return err
	}
	if err := want(300, 0, syscall.SYS_READ, r, at(to), 300); err != nil {
		return err
	}
	if !bytes.Equal(to[:300], text) {
		return fmt.Errorf("read %q", to[:300])
	}
	return want(0, syscall.EAGAIN, syscall.SYS_READ, r, at(s.fresh()), 300)
}

func vectors() error {
	s := newSlots()
	defer s.close()
	r, w := pipe()
	defer closeAll(r, w)
	text := []byte("what is written in two pieces")
	a, b, to := s.with(text[:10]), s.with(text[10:]), s.fresh()
	n := uint64(len(text))
	out := s.words(at(a), 10, at(b), n-10)
	// The second piece's page is asked for when the first has been written: a short count.
	got, e := rawCall(syscall.SYS_WRITEV, w, at(out), 2)
	if e != 0 || got != 10 && got != n {
		return fmt.Errorf("writev: %d, %v", got, e)
	}
	if got == 10 {
		if err := want(n-10, 0, syscall.SYS_WRITE, w, at(b), n-10); err != nil {
			return err
		}
	}
	if err := want(n, 0, syscall.SYS_READV, r, at(s.words(at(to), abi.PageSize)), 1); err != nil {
		return err
	}
	if !bytes.Equal(to[:n], text) {
		return fmt.Errorf("read %q", to[:n])
	}
	return nil
}

// epoll wants an event that is told once not to be lost with its page.
func epoll() error {
	s := newSlots()
	defer s.close()
	r, w := pipe()
	defer closeAll(r, w)
	ep := must(syscall.EpollCreate1(0))
	defer closeAll(uint64(ep))
	const once = 1<<30 | 1<<31 // EPOLLONESHOT, EPOLLET
	try(syscall.EpollCtl(ep, syscall.EPOLL_CTL_ADD, int(r), &syscall.EpollEvent{Events: syscall.EPOLLIN | once&^(1<<31), Fd: 7}))
	must(syscall.Write(int(w), []byte("x")))
	return want(1, 0, syscall.SYS_EPOLL_PWAIT, uint64(ep), at(s.across(nil)), 40, 1000, 0, 8)
}

func futex() error {
	s := newSlots()
	defer s.close()
	const wait, wake, private = 0, 1, 128
	short := s.words(0, 2_000_000)
	for _, kind := range []uint64{0, private} {
		if err := want(0, syscall.EAGAIN, syscall.SYS_FUTEX, at(s.words(5)), wait|kind, 6); err != nil {
			return err
		}
		if err := want(0, syscall.ETIMEDOUT, syscall.SYS_FUTEX, at(s.words(5)), wait|kind, 5, at(short)); err != nil {
			return err
		}
		if err := want(0, 0, syscall.SYS_FUTEX, at(s.fresh()), wake|kind, 1); err != nil {
			return err
		}
	}
	b := s.words(9) // a wake reaches who waits
	done := make(chan error)
	go func() {
		done <- want(0, 0, syscall.SYS_FUTEX, at(b), wait, 9, at(s.words(5, 0)))
	}()
	for range 500 {
		if n, e := rawCall(syscall.SYS_FUTEX, at(b), wake, 1); e != 0 || n == 1 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return <-done
}

func clocks() error {
	s := newSlots()
	defer s.close()
	begun := time.Now()
	if err := want(0, 0, syscall.SYS_NANOSLEEP, at(s.words(0, 3_000_000)), at(s.fresh())); err != nil {
		return err
	}
	if d := time.Since(begun); d < 3*time.Millisecond {
		return fmt.Errorf("slept %v", d)
	}
	b := s.fresh()
	for _, clock := range []uint64{abi.CLOCK_MONOTONIC, 0} {
		if err := want(0, 0, syscall.SYS_CLOCK_GETTIME, clock, at(b)); err != nil {
			return err
		}
		b = s.fresh()
	}
	a := s.fresh()
	if err := want(0, 0, syscall.SYS_CLOCK_GETTIME, abi.CLOCK_MONOTONIC, at(a)); err != nil {
		return err
	}
	if t, now := getWord(a)*1e9+getWord(a[8:]), uint64(sys.Monotonic()); t > now || now-t > 60e9 {
		return fmt.Errorf("the clock said %d, and then %d", t, now)
	}
	return nil
}

func sigtimedwait() error {
	s := newSlots()
	defer s.close()
	runtime.LockOSThread() // its mask is changed, so the thread isn't given back
	const usr2 = syscall.SIGUSR2
	set := uint64(1) << (usr2 - 1)
	old := s.fresh()
	if err := want(0, 0, syscall.SYS_RT_SIGPROCMASK, 0, at(s.words(set)), at(old), 8); err != nil {
		return err
	}
	if _, e := rawCall(syscall.SYS_TGKILL, uint64(os.Getpid()), uint64(sys.ThreadID()), uint64(usr2)); e != 0 {
		return e
	}
	info := s.fresh()
	if err := want(uint64(usr2), 0, syscall.SYS_RT_SIGTIMEDWAIT, at(s.words(set)), at(info), at(s.words(1, 0)), 8); err != nil {
		return err
	}
	if getWord(info)&0xffffffff != uint64(usr2) {
		return fmt.Errorf("the signal's information is %#x", getWord(info))
	}
	return want(0, 0, syscall.SYS_RT_SIGPROCMASK, 2, at(old), 0, 8)
}

// frames has a handler run on a stack of absent pages.
func frames() error {
	s := newSlots()
	defer s.close()
	got := make(chan os.Signal, 1)
	signal.Notify(got, syscall.SIGUSR1)
	defer signal.Stop(got)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const pages = 24
	stack := s.b[s.next : s.next+pages*abi.PageSize]
	s.next += pages * abi.PageSize
	set, old := s.words(at(stack), 0, uint64(len(stack))), s.fresh()
	getWord(set)
	getWord(old)
	before := s.told(asks) // signals of Go's own may come as soon as the stack is set
	if err := want(0, 0, syscall.SYS_SIGALTSTACK, at(set), at(old)); err != nil {
		return err
	}
	_, e := rawCall(syscall.SYS_TGKILL, uint64(os.Getpid()), uint64(sys.ThreadID()), uint64(syscall.SIGUSR1))
	asked := s.told(asks) - before
	if err := want(0, 0, syscall.SYS_SIGALTSTACK, at(old), 0); err != nil || e != 0 {
		return fmt.Errorf("%v, %v", e, err)
	}
	select {
	case <-got:
	case <-time.After(5 * time.Second):
		return fmt.Errorf("no signal came")
	}
	if asked == 0 {
		return fmt.Errorf("nobody was asked for the frame's pages")
	}
	return nil
}

// messages sends from and receives into absent pages.
func messages() error {
	s := newSlots()
	defer s.close()
	endpoint := abi.Handle(must(sys.ObjectCall(abi.CallEndpointCreate)))
	defer object.Close(endpoint)
	done := make(chan error)
	text := bytes.Repeat([]byte("message "), 100)
	go func() { done <- answerOne(endpoint, text) }()
	from, to, o := s.across(text), s.across(nil), optionsAt(s.fresh())
	*o = sys.MessageOptions{Deadline: abi.WaitForever, SendAddr: &from[0], SendBytes: uint32(len(text)),
		ReceiveAddr: &to[0], ReceiveBytes: uint32(len(text))}
	m := sys.Message{To: uint64(endpoint), Options: o}
	if r := sys.MessageWait(abi.CallEndpointCall, &m); r != 0 {
		return fmt.Errorf("call: %w", abi.Errno(-r))
	}
	if n, _ := abi.Came(m.Came); n != uint64(len(text)) || !bytes.Equal(to[:n], text) {
		return fmt.Errorf("%d bytes came: %q", n, to[:n])
	}
	return <-done
}

// answerOne answers one call, which has to bring text, with text.
func answerOne(endpoint abi.Handle, text []byte) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := make([]byte, len(text))
	o := &sys.MessageOptions{Deadline: abi.WaitForever, ReceiveAddr: &b[0], ReceiveBytes: uint32(len(b))}
	m := sys.Message{To: uint64(endpoint), Options: o}
	if r := sys.MessageBlock(abi.CallEndpointReceive, &m); r != abi.ReceivedCall {
		return fmt.Errorf("receive: %w", abi.Errno(-r))
	}
	if !bytes.Equal(b, text) {
		return fmt.Errorf("received %q", b)
	}
	m.Options = &sys.MessageOptions{Deadline: abi.WaitForever, SendAddr: &b[0], SendBytes: uint32(len(b))}
	if r := sys.MessageCall(abi.CallEndpointReply, &m); r != 0 {
		return fmt.Errorf("reply: %w", abi.Errno(-r))
	}
	return nil
}

// receiver receives into absent pages, from one that waits already and from one that
// comes later, and answers from absent pages.
func receiver() error {
	s := newSlots()
	defer s.close()
	endpoint := abi.Handle(must(sys.ObjectCall(abi.CallEndpointCreate)))
	defer object.Close(endpoint)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	text := bytes.Repeat([]byte("and back "), 90)
	for _, wait := range []time.Duration{0, 20 * time.Millisecond} {
		done := make(chan error)
		go func() {
			time.Sleep(wait)
			done <- callOnce(endpoint, text)
		}()
		time.Sleep(20*time.Millisecond - wait)
		to := s.across(nil)
		o := optionsAt(s.fresh())
		*o = sys.MessageOptions{Deadline: abi.WaitForever, ReceiveAddr: &to[0], ReceiveBytes: uint32(len(text))}
		m := sys.Message{To: uint64(endpoint), Options: o}
		if r := sys.MessageBlock(abi.CallEndpointReceive, &m); r != abi.ReceivedCall {
			return fmt.Errorf("receive: %w", abi.Errno(-r))
		}
		if !bytes.Equal(to[:len(text)], text) {
			return fmt.Errorf("received %q", to[:len(text)])
		}
		part := s.fresh() // what was sent is read once more, and written back from absent pages
		if n, err := sys.MessageCopy(abi.CallMessageRead, m.Token, 9, part[:18]); err != nil || n != 18 || !bytes.Equal(part[:18], text[9:27]) {
			return fmt.Errorf("message_read: %d, %v: %q", n, err, part[:18])
		}
		if n, err := sys.MessageCopy(abi.CallMessageWrite, m.Token, 0, s.with(text[:9])[:9]); err != nil || n != 9 {
			return fmt.Errorf("message_write: %d, %v", n, err)
		}
		from := s.across(text)
		m.Options = &sys.MessageOptions{Deadline: abi.WaitForever, SendAddr: &from[0], SendBytes: uint32(len(text))}
		if r := sys.MessageCall(abi.CallEndpointReply, &m); r != 0 {
			return fmt.Errorf("reply: %w", abi.Errno(-r))
		}
		if err := <-done; err != nil {
			return err
		}
	}
	return nil
}

// callOnce sends text and wants it back.
func callOnce(endpoint abi.Handle, text []byte) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := make([]byte, len(text))
	o := &sys.MessageOptions{Deadline: abi.WaitForever, SendAddr: &text[0], SendBytes: uint32(len(text)), ReceiveAddr: &b[0], ReceiveBytes: uint32(len(b))}
	m := sys.Message{To: uint64(endpoint), Options: o}
	if r := sys.MessageWait(abi.CallEndpointCall, &m); r != 0 {
		return fmt.Errorf("call: %w", abi.Errno(-r))
	}
	if !bytes.Equal(b, text) {
		return fmt.Errorf("the answer is %q", b)
	}
	return nil
}

func processCreate() error {
	s := newSlots()
	defer s.close()
	request := (&object.Program{Empty: true}).Request()
	out := s.across(nil)
	b := s.with(request)
	if _, e := rawCall(abi.CallProcessCreate, at(b), uint64(len(request)), at(out)); e != 0 {
		return e
	}
	made := abi.GetCreated(out)
	child := object.Child{Process: object.Process(made.Process), Space: object.Space(made.Space), Thread: object.Thread(made.Thread)}
	try(child.Process.Kill())
	must(child.Process.Wait(object.Forever))
	return child.Close()
}

// supplyFromPaged supplies an object from memory that another pager brings.
func supplyFromPaged() error {
	s := newSlots()
	defer s.close()
	m := must(object.NewPagedMemory(2*abi.PageSize, s.endpoint, 1))
	defer m.Close()
	const begin = abi.PageSize + 8 // each page is copied from two
	if err := m.Supply(0, s.b[begin:begin+abi.PageSize]); err != nil {
		return err
	}
	if err := m.Supply(0, s.b[begin:begin+2*abi.PageSize]); err != nil { // the first is there
		return err
	}
	b := mapped(m, abi.PROT_READ)
	defer unmap(b)
	for i := 0; i < len(b); i += 8 {
		if getWord(b[i:]) != contentAt(uint64(i)+begin) {
			return fmt.Errorf("%#x at %#x", getWord(b[i:]), i)
		}
	}
	return nil
}
