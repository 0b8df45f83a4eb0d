// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/sys"
)

// forwardCases are about Linux calls that go to another process (process_forward).
func forwardCases() []cases.Case {
	return []cases.Case{
		{Name: "a forwarded call: words there, a result back", Run: forwardedWords},
		{Name: "what is forwarded, and what isn't", Run: forwardedNumbers},
		{Name: "a forwarded call's memory", Run: forwardedMemory},
		{Name: "two take turns by forwarded calls", Run: forwardedTurns},
		{Name: "a forwarded call is answered by words alone", Run: forwardedAnswer},
		{Name: "process_forward: errors", Run: forwardErrors},
		{Name: "process_forward: elsewhere", Run: forwardElsewhere},
		{Name: "process_signal", Run: signalled},
		{Name: "message_map", Run: forwardMap},
		{Name: "message_signal", Run: forwardSignal},
		{Name: "forwarded, and the server dies: before it receives", Run: func() error { return forsaken(pauseFirst) }},
		{Name: "forwarded, and the server dies: with the call", Run: func() error { return forsaken(receives) }},
		{Name: "forwarded, and the server is dead", Run: func() error { return forsaken(ends) }},
		{Name: "a message's options stay through forwarded calls", Run: forwardedBetween},
		{Name: "forwarded calls and signals", Run: forwardedSignals},
	}
}

// server is this process as the one that answers another's Linux calls.
type server struct{ e, minted abi.Handle }

const forwardBadge = 77

func newServer() server {
	e := endpoint()
	return server{e, abi.Handle(must(ipc.Endpoint(e).Mint(forwardBadge)))}
}

func (s server) close() error {
	ok(object.Close(s.minted))
	return object.Close(s.e)
}

// next receives what comes, a forwarded call most likely.
func (s server) next(o *sys.MessageOptions) (sys.Message, error) {
	if o == nil {
		o = &sys.MessageOptions{Deadline: soon()}
	}
	m := sys.Message{To: uint64(s.e), Options: o}
	what, err := message(abi.CallEndpointReceive, &m)
	switch {
	case err != 0:
		return m, err
	case what != abi.ReceivedForwarded:
		return m, fmt.Errorf("%d was received", what)
	case m.To != forwardBadge || m.Came != 0:
		return m, fmt.Errorf("badge %d, %#x came with it", m.To, m.Came)
	}
	return m, nil
}

// answer gives the result of a call.
func answer(token, result uint64, o *sys.MessageOptions) error {
	m := sys.Message{Token: token, Words: [8]uint64{result}, Options: o}
	if _, err := message(abi.CallEndpointReply, &m); err != 0 {
		return err
	}
	return nil
}

// linux is a Linux call with six arguments, as a step.
func linux(nr uint64, args ...uint64) do {
	var a [6]uint64
	copy(a[:], args)
	return do{nr: nr, to: a[0], value: a[1], token: a[2], words: [8]uint64{a[3], a[4], a[5], 101, 102, 103, 104, 105}}
}

// forwarding makes an actor whose calls are forwarded to s, and has it begin.
func (s server) forwarding(all ...do) *actor {
	a := newProcess(2*buffers, to(s.e, waitRights)).add(all...)
	ok(a.Process.Forward(s.minted))
	return a.start()
}

// unknownCall is no number of Linux's.
const unknownCall = 0xfee

func forwardedWords() error {
	s := newServer()
	const n = 20
	var steps []do
	for i := range uint64(n) {
		steps = append(steps, linux(unknownCall-i, i, 2<<60+i, ^i, 4, 5, 6))
	}
	a := s.forwarding(steps...)
	for i := range uint64(n) {
		m, err := s.next(nil)
		if err != nil {
			return err
		}
		info := must(a.thread.Info())
		if want := [8]uint64{unknownCall - i, i, 2<<60 + i, ^i, 4, 5, 6, uint64(info.ID)}; m.Words != want {
			return fmt.Errorf("received %x, want %x", m.Words, want)
		}
		ok(answer(m.Token, 1000+i, nil))
		if err := want(answer(m.Token, 1, nil), syscall.ESRCH); err != nil {
			return fmt.Errorf("a second answer: %v", err)
		}
		out := a.result(int(i))
		if want := steps[i]; out.result != 1000+i || out.came != want.value || out.token != want.token || out.words != want.words {
			return fmt.Errorf("call %d: the caller has %+v", i, out)
		}
	}
	a.over()
	return s.close()
}

// forwardedNumbers: memory, threads, signals, time and the machine's own calls stay the kernel's.
func forwardedNumbers() error {
	s := newServer()
	const anonymous, private, file = syscall.MAP_ANON | syscall.MAP_PRIVATE, syscall.MAP_PRIVATE, 9
	a := s.forwarding(
		linux(syscall.SYS_MMAP, 0, page, rw, anonymous, ^uint64(0), 0),
		linux(syscall.SYS_GETPID),
		linux(syscall.SYS_SCHED_YIELD),
		linux(syscall.SYS_RT_SIGPENDING, dataAt+buffers, 8),
		linux(syscall.SYS_CLOCK_GETTIME, 1, dataAt+buffers),
		linux(abi.SYS_GETRANDOM, dataAt+buffers, 8, 0),
		do{nr: abi.CallBase + 0x7fe, failed: true}, // no number of Loam's
		linux(syscall.SYS_MMAP, 0, page, rw, private, file, 0),
		linux(syscall.SYS_WRITE, 1, dataAt, 0),
		linux(syscall.SYS_GETCWD, dataAt, 8),
		linux(abi.SYS_EPOLL_CREATE1),
		linux(syscall.SYS_CLONE, uint64(syscall.SIGCHLD)),
		linux(syscall.SYS_EXECVE),
	)
	for _, nr := range []uint64{syscall.SYS_MMAP, syscall.SYS_WRITE, syscall.SYS_GETCWD, abi.SYS_EPOLL_CREATE1, syscall.SYS_CLONE, syscall.SYS_EXECVE} {
		m, err := s.next(nil)
		if err != nil {
			return err
		}
		if m.Words[0] != nr {
			return fmt.Errorf("call %d was forwarded, want %d", m.Words[0], nr)
		}
		ok(answer(m.Token, 0, nil))
	}
	for i := range 6 {
		if r := a.result(i); r.errno() != 0 {
			return fmt.Errorf("the kernel's call %d: %v", i, r.errno())
		}
	}
	if r := a.result(6); r.errno() != syscall.ENOSYS {
		return fmt.Errorf("no call: %v", r.errno())
	}
	a.over()
	return s.close()
}

// forwardedMemory reads and writes the caller's memory: untouched pages, across pages, up to where there is none.
func forwardedMemory() error {
	s := newServer()
	const end = dataAt + 2*buffers
	a := s.forwarding(linux(unknownCall))
	m, err := s.next(nil)
	if err != nil {
		return err
	}
	b := bytes.Repeat([]byte("0123456789abcdef"), 1024)
	got := make([]byte, len(b))
	for _, c := range []struct {
		at, n, moved uint64
	}{
		{dataAt + buffers + 100, 10, 10}, {dataAt + buffers + page - 3, 3*page + 5, 3*page + 5},
		{dataAt + buffers, 512, 512}, {dataAt + buffers, 513, 513}, {dataAt + buffers + page - 512, 512, 512},
		{dataAt + buffers + page - 511, 512, 512}, {dataAt + buffers, 0, 0}, {end - 512, 512, 512}, {end - 511, 512, 511},
		{end - 5, 5, 5}, {end - 5, 6, 5}, {end - page - 7, 2 * page, page + 7}, {end, 8, 0}, {0, 8, 0}, {textAt, 0, 0},
		{1 << 62, 8, 0}, {^uint64(0), 8, 0}, {^uint64(0) - 3, 8, 0},
	} {
		n, err := sys.MessageCopy(abi.CallMessageWrite, m.Token, c.at, b[:c.n])
		if err != nil || n != c.moved {
			return fmt.Errorf("write of %d bytes at %#x: %d, %v", c.n, c.at, n, err)
		}
		if c.moved > 0 && !bytes.Equal(a.data[c.at-dataAt:][:n], b[:n]) {
			return fmt.Errorf("write of %d bytes at %#x: other bytes", c.n, c.at)
		}
		n, err = sys.MessageCopy(abi.CallMessageRead, m.Token, c.at, got[:c.n])
		if err != nil || n != c.moved || !bytes.Equal(got[:n], b[:n]) {
			return fmt.Errorf("read of %d bytes at %#x: %d, %v", c.n, c.at, n, err)
		}
	}
	if n, err := sys.MessageCopy(abi.CallMessageWrite, m.Token, textAt, b[:8]); n != 0 || err != nil {
		return fmt.Errorf("write to code: %d, %v", n, err)
	}
	if n, err := sys.MessageCopy(abi.CallMessageRead, m.Token, textAt, got[:8]); n != 8 || err != nil {
		return fmt.Errorf("read of code: %d, %v", n, err)
	}
	for _, nr := range []uintptr{abi.CallMessageRead, abi.CallMessageWrite} { // where this process has no memory
		if _, _, e := syscall.RawSyscall6(nr, uintptr(m.Token), dataAt+buffers, 8, 8, 0, 0); e != syscall.EFAULT {
			return fmt.Errorf("call %#x with a bad address: %v", nr, e)
		}
	}
	ok(answer(m.Token, 0, nil))
	_, gone := sys.MessageCopy(abi.CallMessageRead, m.Token, textAt, got[:8])
	a.over()
	if err := want(gone, syscall.ESRCH); err != nil {
		return fmt.Errorf("memory after the answer: %v", err)
	}
	return s.close()
}

// forwardedAnswer: bytes have nowhere to go.
func forwardedAnswer() error {
	s := newServer()
	a := s.forwarding(linux(unknownCall), linux(unknownCall))
	m, err := s.next(nil)
	if err != nil {
		return err
	}
	b := []byte("bytes")
	o := &sys.MessageOptions{Deadline: object.Forever, SendAddr: &b[0], SendBytes: 5}
	if err := want(answer(m.Token, 0, o), syscall.EINVAL); err != nil {
		return fmt.Errorf("an answer with bytes: %v", err)
	}
	ok(answer(m.Token, abi.ENOENT.Result(), nil))
	if r := a.result(0); r.errno() != syscall.ENOENT {
		return fmt.Errorf("the result is %v", r.errno())
	}
	a.over()
	return s.close()
}

func forwardErrors() error {
	s := newServer()
	p := newProcess(2 * buffers)
	read := abi.Handle(must(sys.ObjectCall(abi.CallHandleDuplicate, uint64(p.Process), uint64(abi.RightRead))))
	only := abi.Handle(must(sys.ObjectCall(abi.CallHandleDuplicate, uint64(s.e), uint64(abi.RightWait))))
	for _, c := range []struct {
		what string
		p, e abi.Handle
		want syscall.Errno
	}{
		{"no process", 1 << 40, s.e, syscall.EBADF}, {"no endpoint", abi.Handle(p.Process), 0, syscall.EBADF},
		{"not a process", s.e, s.e, syscall.ENOTSUP}, {"not an endpoint", abi.Handle(p.Process), abi.Handle(p.Process), syscall.ENOTSUP},
		{"no right to the process", read, s.e, syscall.EACCES}, {"no right to call", abi.Handle(p.Process), only, syscall.EACCES},
		{"itself", abi.HandleProcess, s.e, syscall.EPERM},
	} {
		if err := want(object.Process(c.p).Forward(c.e), c.want); err != nil {
			return fmt.Errorf("%s: %v", c.what, err)
		}
	}
	ok(object.Close(read))
	ok(object.Close(only))
	ok(p.Process.Kill())
	must(p.Process.Wait(soon()))
	if err := want(p.Process.Forward(s.e), syscall.ESRCH); err != nil {
		return fmt.Errorf("a dead process: %v", err)
	}
	p.forget()
	return s.close()
}

// signalled: a process gets a signal, whose default it has.
func signalled() error {
	n := must(object.NewNotification())
	a := begin([]abi.HandOn{to(abi.Handle(n), waitRights)}, pause(given(0)))
	a.waits(0, 1)
	read := object.Process(must(sys.ObjectCall(abi.CallHandleDuplicate, uint64(a.Process), uint64(abi.RightRead))))
	for _, c := range []struct {
		p    object.Process
		s    syscall.Signal
		want syscall.Errno
	}{
		{1 << 40, syscall.SIGTERM, syscall.EBADF}, {object.Process(n), syscall.SIGTERM, syscall.ENOTSUP}, {read, syscall.SIGTERM, syscall.EACCES},
		{a.Process, 65, syscall.EINVAL}, {a.Process, 1 << 32, syscall.EINVAL}, {a.Process, -1, syscall.EINVAL},
		{a.Process, 0, 0}, {a.Process, syscall.SIGWINCH, 0}, {a.Process, syscall.SIGTERM, 0},
	} {
		if err := want(c.p.Signal(c.s), c.want); err != nil {
			return fmt.Errorf("signal %d: %v", c.s, err)
		}
	}
	ok(read.Close())
	status, err := a.Process.Wait(soon())
	if want := (abi.ExitStatus{Kind: abi.Signalled, Value: uint32(syscall.SIGTERM)}); err != nil || status != want {
		return fmt.Errorf("it ended by %v, %v", status, err)
	}
	if err := want(a.Process.Signal(syscall.SIGTERM), syscall.ESRCH); err != nil {
		return fmt.Errorf("when it has ended: %v", err)
	}
	a.forget()
	return n.Close()
}

// forwardElsewhere: the next call goes to who was named last.
func forwardElsewhere() error {
	s, other := newServer(), newServer()
	a := s.forwarding(linux(unknownCall), linux(unknownCall))
	m, err := s.next(nil)
	if err != nil {
		return err
	}
	ok(a.Process.Forward(other.minted))
	ok(answer(m.Token, 1, nil))
	if m, err = other.next(nil); err != nil {
		return err
	}
	ok(answer(m.Token, 2, nil))
	if r := a.result(1); r.result != 2 {
		return fmt.Errorf("the result is %d", r.result)
	}
	a.over()
	ok(other.close())
	return s.close()
}

// What the server does before it dies.
const (
	pauseFirst = iota
	receives
	ends
)

// forsaken: a process is ended whose calls nobody can answer any more.
func forsaken(how int) error {
	e := endpoint()
	n := must(object.NewNotification())
	steps := map[int][]do{pauseFirst: {pause(given(1))}, receives: {receive(given(0)), pause(given(1))}, ends: {}}[how]
	server := newProcess(2*buffers, to(e, waitRights|abi.RightWrite), to(abi.Handle(n), waitRights))
	if how != ends {
		server.add(steps...).start()
	}
	p := newProcess(2 * buffers)
	a := p.add(linux(unknownCall), linux(unknownCall))
	ok(a.Process.Forward(e))
	ok(object.Close(e))
	if how == ends {
		server.over()
	}
	a.start()
	if how != ends {
		a.waits(0, 1)
		server.over()
	}
	status, err := a.Process.Wait(soon())
	if want := (abi.ExitStatus{Kind: abi.Signalled, Value: uint32(syscall.SIGKILL)}); err != nil || status != want {
		return fmt.Errorf("it ended by %v, %v", status, err)
	}
	p.forget()
	return n.Close()
}

// forwardedBetween: a thread whose options the kernel knows (MessageSame) makes forwarded calls.
func forwardedBetween() error {
	s := newServer()
	echoes := endpoint()
	served := begin([]abi.HandOn{to(echoes, waitRights)}, echo(given(0))...)
	o := forever()
	p := newProcess(2*buffers, to(echoes, callRights))
	first := call(given(0), 1)
	first.options = o
	a := p.add(first, linux(unknownCall), call(given(0), 3))
	a.steps[2].options = a.steps[0].options | abi.MessageSame
	ok(a.Process.Forward(s.minted))
	a.start()
	m, err := s.next(nil)
	if err != nil {
		return err
	}
	ok(answer(m.Token, 0, nil))
	if r := a.result(2); r.errno() != 0 || r.words[0] != 3 {
		return fmt.Errorf("the call after it: %v, %d", r.errno(), r.words[0])
	}
	a.over()
	served.over()
	ok(object.Close(echoes))
	return s.close()
}

// forwardedSignals runs a Go program (forwardedRole) whose calls come here: a signal
// while its call is received, with and without SA_RESTART, and before it is.
func forwardedSignals() error {
	s := newServer()
	c := must((&object.Program{File: "program", Args: []string{"message", "role", "forwarded"}, Held: true}).Start())
	ok(c.Process.Forward(s.minted))
	ok(c.Thread.Resume())
	err := s.answerRole()
	status, e := c.Process.Wait(soon())
	for _, h := range []abi.Handle{abi.Handle(c.Process), abi.Handle(c.Space), abi.Handle(c.Thread)} {
		ok(object.Close(h))
	}
	if want := (abi.ExitStatus{Kind: abi.Exited, Value: roleDone}); err == nil && (e != nil || status != want) {
		err = fmt.Errorf("it ended by %v, %v", status, e)
	}
	if err != nil {
		return err
	}
	return s.close()
}

// Descriptors of the role: what the server is to do.
const (
	answered    = 200 + iota // result 1
	interrupted              // told of a signal: as one that was interrupted
	finished                 // told of a signal: result 2
	helper                   // answered when one of the two waits
	roleDone    = 42
)

// answerRole serves forwardedRole until it ends.
func (s server) answerRole() error {
	var waits, helps uint64 // tokens
	var how uint64
	told := 0
	for {
		m := sys.Message{To: uint64(s.e), Options: &sys.MessageOptions{Deadline: soon()}}
		what, e := message(abi.CallEndpointReceive, &m)
		switch {
		case e != 0:
			return e
		case what == abi.ReceivedCancel && m.Token == waits:
			told++
			o := &sys.MessageOptions{Deadline: object.Forever}
			if how == interrupted {
				o.Flags = abi.MessageInterrupted
			}
			ok(answer(m.Token, 2, o))
			waits = 0
		case what == abi.ReceivedCancel:
			return fmt.Errorf("told of a call that doesn't wait")
		case m.Words[0] == syscall.SYS_EPOLL_PWAIT && m.Words[1] == answered:
			if (what == abi.ReceivedInterrupted) != (m.Words[2] > 0) {
				return fmt.Errorf("a call with a mask was received as %d", what)
			}
			ok(answer(m.Token, m.Words[3], nil))
		case what == abi.ReceivedInterrupted:
			return fmt.Errorf("a call without a mask is interrupted from its beginning")
		case m.Words[0] != syscall.SYS_READ || m.Words[1] < answered:
			ok(answer(m.Token, otherAnswer(m.Words[0]), nil))
		case m.Words[1] == answered:
			if ok(answer(m.Token, uint64(told), nil)); m.Words[3] == 0 {
				return nil
			}
		case m.Words[1] == helper:
			helps = m.Token
		default:
			waits, how = m.Token, m.Words[1]
		}
		if waits != 0 && helps != 0 {
			ok(answer(helps, 0, nil))
			helps = 0
		}
	}
}

// otherAnswer is what Go's runtime gets.
func otherAnswer(nr uint64) uint64 {
	if nr == syscall.SYS_FCNTL || nr == syscall.SYS_WRITE {
		return 0
	}
	return abi.ENOSYS.Result()
}

// maskedRole makes calls with a mask while a signal waits for it, and gives a status to exit with, 0: all is as it should be.
func maskedRole(me int, c chan os.Signal) int {
	var none, blocked unix.Sigset_t
	none.Val[0] = 1 << (syscall.SIGURG - 1) // of Go's runtime
	blocked.Val[0] = none.Val[0] | 1<<(syscall.SIGUSR1-1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &blocked, nil); err != nil {
		return 30
	}
	interrupted := abi.EINTR.Result()
	for i, t := range []struct {
		mask   *unix.Sigset_t
		due    uintptr // the mask lets a signal through that waits
		answer uint64
		taken  int
	}{
		{&none, 0, 3, 0}, {nil, 0, 4, 0}, {&blocked, 0, 5, 0}, {&none, 1, 6, 0}, {&none, 1, interrupted, 1}, {&none, 0, 7, 0},
	} {
		if i == 1 {
			tgkill(me, syscall.SIGUSR1)
		}
		if r := maskedEpoll(t.due, t.answer, t.mask); r != t.answer {
			return 31 + i
		}
		for range t.taken {
			<-c
		}
		if len(c) > 0 {
			return 40 + i
		}
	}
	return 0
}

// forwardedRole waits in calls, and is sent signals meanwhile.
func forwardedRole() error {
	runtime.LockOSThread()
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGUSR1)
	me := syscall.Gettid()
	asks := func(d uintptr, most uintptr) (uintptr, syscall.Errno) {
		r, _, e := syscall.Syscall(syscall.SYS_READ, d, 0, most)
		return r, e
	}
	send := make(chan bool)
	go func() {
		for range send {
			if _, _, e := syscall.Syscall(syscall.SYS_READ, helper, 0, 0); e != 0 {
				os.Exit(3)
			}
			tgkill(me, syscall.SIGUSR1)
			<-c
			send <- true
		}
	}()
	for i, t := range []struct {
		d       uintptr
		restart bool
		result  uintptr
		e       syscall.Errno
	}{{finished, true, 2, 0}, {finished, false, 2, 0}, {interrupted, false, ^uintptr(0), syscall.EINTR}} {
		setRestart(syscall.SIGUSR1, t.restart)
		send <- true
		r, e := asks(t.d, 1)
		if <-send; r != t.result || e != t.e {
			os.Exit(10 + i)
		}
	}
	if told, e := asks(answered, 1); told != 3 || e != 0 {
		os.Exit(20)
	}
	setRestart(syscall.SIGUSR1, true)
	send <- true
	go func() { // the call begins again, and waits again: a second signal ends it by its result
		<-send
		setRestart(syscall.SIGUSR1, false)
		send <- true
	}()
	if _, e := asks(interrupted, 1); e != syscall.EINTR {
		os.Exit(21)
	}
	<-send
	if at := maskedRole(me, c); at != 0 {
		os.Exit(at)
	}
	if told, e := asks(answered, 0); told != 5 || e != 0 {
		os.Exit(22)
	}
	os.Exit(roleDone)
	return nil
}
