// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// forwardMap maps memory for who has made a forwarded call, and in what place and with which rights mmap(2) says.
func forwardMap() error {
	s := newServer()
	a := s.forwarding(linux(unknownCall))
	m, err := s.next(nil)
	if err != nil {
		return err
	}
	memory := must(object.NewOpenMemory(2 * page))
	view := must(object.Here.Map(memory, 0, 0, 4*page, rw))
	copy(object.Bytes(view, 2*page)[page:], "second page")
	read := must(object.Duplicate(object.Handle(memory), abi.RightRead))
	caller := object.Caller(m.Token)
	const shared, private, fixed, noReplace = abi.MAP_SHARED, abi.MAP_PRIVATE, abi.MAP_FIXED, abi.MAP_FIXED_NOREPLACE
	for _, c := range []struct {
		what                             string
		who                              object.Caller
		m                                object.Memory
		addr, offset, length, prot, flag uint64
		want                             syscall.Errno
	}{
		{"no call", 1 << 60, memory, 0, 0, page, rw, shared, syscall.ESRCH},
		{"no handle", caller, 1 << 40, 0, 0, page, rw, shared, syscall.EBADF},
		{"no memory", caller, object.Memory(s.e), 0, 0, page, rw, shared, syscall.ENOTSUP},
		{"no right", caller, object.Memory(read), 0, 0, page, rw, shared, syscall.EACCES},
		{"to write and execute", caller, memory, 0, 0, page, rw | abi.PROT_EXEC, shared, syscall.EACCES},
		{"nothing", caller, memory, 0, 0, 0, rw, shared, syscall.EINVAL},
		{"between pages", caller, memory, 0, 1, page, rw, shared, syscall.EINVAL},
		{"at no page", caller, memory, dataAt + 1, 0, page, rw, shared | fixed, syscall.EINVAL},
		{"too low", caller, memory, 0, 0, page, rw, shared | fixed, syscall.EPERM},
		{"where something is", caller, memory, dataAt, 0, page, rw, shared | noReplace, syscall.EEXIST},
		{"too much", caller, memory, 0, 0, 1 << 50, rw, shared, syscall.ENOMEM},
		{"a private mapping by the wrong word", caller, memory, 0, 0, page, abi.PROT_READ | abi.MapPrivate, shared, syscall.EINVAL},
	} {
		_, err := c.who.Map(c.m, c.addr, c.offset, c.length, c.prot, c.flag)
		if err := want(err, c.want); err != nil {
			return fmt.Errorf("%s: %v", c.what, err)
		}
	}
	b := make([]byte, 11)
	there := func(at uint64, want string) {
		n := must(sys.MessageCopy(abi.CallMessageRead, m.Token, at, b))
		if string(b[:n]) != want {
			panic(fmt.Sprintf("at %#x is %q, want %q", at, b[:n], want))
		}
	}
	at := must(caller.Map(memory, 0, page, 2*page, rw, shared))
	there(at, "second page")
	there(at+page, "") // the object ends there
	ok(memory.Resize(3 * page))
	there(at+page, string(make([]byte, 11)))
	copied := must(caller.Map(object.Memory(read), at, page, page-5, rw, private|fixed))
	if copied != at {
		return fmt.Errorf("mapped at %#x, want %#x", copied, at)
	}
	must(sys.MessageCopy(abi.CallMessageWrite, m.Token, at, []byte("a private")))
	there(at, "a privatege")
	if got := string(object.Bytes(view+page, 11)); got != "second page" {
		return fmt.Errorf("the object has %q", got)
	}
	none := must(caller.Map(memory, 0, 0, page, 0, shared))
	there(none, "")
	ok(answer(m.Token, 0, nil))
	_, err = caller.Map(memory, 0, 0, page, rw, shared)
	if err := want(err, syscall.ESRCH); err != nil {
		return fmt.Errorf("after the answer: %v", err)
	}
	a.over()
	ok(object.Here.Unmap(view, 4*page))
	ok(object.Close(read))
	ok(memory.Close())
	return s.close()
}

// forwardSignal sends a signal to who has made a forwarded call: it has its default.
func forwardSignal() error {
	s := newServer()
	a := s.forwarding(linux(unknownCall), linux(unknownCall))
	m, err := s.next(nil)
	if err != nil {
		return err
	}
	caller := object.Caller(m.Token)
	for _, c := range []struct {
		who  object.Caller
		s    syscall.Signal
		want syscall.Errno
	}{{1 << 60, syscall.SIGPIPE, syscall.ESRCH}, {caller, 0, syscall.EINVAL}, {caller, 65, syscall.EINVAL}, {caller, syscall.SIGWINCH, 0}, {caller, syscall.SIGPIPE, 0}} {
		if err := want(c.who.Signal(c.s), c.want); err != nil {
			return fmt.Errorf("signal %d: %v", c.s, err)
		}
	}
	ok(answer(m.Token, abi.EPIPE.Result(), nil))
	status, err := a.Process.Wait(soon())
	if want := (abi.ExitStatus{Kind: abi.Signalled, Value: uint32(syscall.SIGPIPE)}); err != nil || status != want {
		return fmt.Errorf("it ended by %v, %v", status, err)
	}
	if err := want(caller.Signal(syscall.SIGPIPE), syscall.ESRCH); err != nil {
		return fmt.Errorf("when it has ended: %v", err)
	}
	a.forget()
	return s.close()
}
