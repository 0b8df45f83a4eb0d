// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func wordCases() []cases.Case {
	return []cases.Case{
		{Name: "words both ways", Run: wordsBothWays},
		{Name: "the badge is told", Run: badges},
		{Name: "endpoint_reply ESRCH: a token is good once", Run: tokenOnce},
		{Name: "endpoint_reply ESRCH: forged tokens", Run: forgedTokens},
		{Name: "wrong handles", Run: wrongHandles},
		{Name: "wrong options", Run: wrongOptions},
		{Name: "options that can't be the same", Run: notTheSame},
		{Name: "endpoint_call ECONNREFUSED", Run: refused},
	}
}

// wordsBothWays compares all bits of all words, on the way without the kernel lock and on that
// with it.
func wordsBothWays() error {
	e := endpoint()
	s := begin([]abi.HandOn{to(e, waitRights)}, echo(given(0))...)
	r := rand.New(rand.NewPCG(1, 1))
	try := func(words [8]uint64, o *sys.MessageOptions) error {
		m := sys.Message{To: uint64(e), Options: o, Token: r.Uint64(), Words: words}
		if _, err := message(abi.CallEndpointCall, &m); err != 0 {
			return err
		}
		if m.Words != words || m.Came != 0 {
			return fmt.Errorf("%x came back as %x, with %#x", words, m.Words, m.Came)
		}
		return nil
	}
	o := &sys.MessageOptions{Deadline: object.Forever}
	for i := range 8 {
		for bit := range 64 {
			var words [8]uint64
			words[i] = 1 << bit
			if err := try(words, nil); err != nil {
				return err
			}
			words = [8]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
			words[i] &^= 1 << bit
			if err := try(words, o); err != nil {
				return err
			}
		}
	}
	for i := range 2000 {
		var words [8]uint64
		for j := range words {
			words[j] = r.Uint64()
		}
		use := o
		if i%16 != 0 {
			use = nil
		}
		if err := try(words, use); err != nil {
			return err
		}
	}
	s.over()
	return object.Close(e)
}

// badges: each handle's, also when it is handed on, and none.
func badges() error {
	e := endpoint()
	for _, badge := range []uint64{0, 1, 1 << 63, ^uint64(0), 0x0123456789abcdef} {
		h := e
		if badge != 0 {
			h = must(object.Mint(e, callRights|transferred, badge))
		}
		s := begin([]abi.HandOn{to(e, waitRights)}, receive(given(0)), do{nr: abi.CallEndpointReplyReceive, to: given(0), answer: true}, reply())
		c := begin([]abi.HandOn{to(h, callRights)}, call(given(0), 5), call(given(0), 6))
		for i := range 2 {
			if o := s.result(i); o.badge != badge || o.words[0] != uint64(5+i) {
				return fmt.Errorf("badge %#x, not %#x; words %v", o.badge, badge, o.words)
			}
			if o := c.result(i); o.result != 0 || o.words[0] != uint64(5+i) {
				return fmt.Errorf("call %d: %+v", i, o)
			}
		}
		c.over()
		s.over()
		if badge != 0 {
			ok(object.Close(h))
		}
	}
	return object.Close(e)
}

// tokenOnce: a second answer by the same token, and those of ended calls.
func tokenOnce() error {
	e, n := endpoint(), must(object.NewNotification())
	s := begin([]abi.HandOn{to(e, waitRights), to(abi.Handle(n), abi.RightWait)}, receive(given(0)), reply(), do{nr: abi.CallEndpointReply, answer: true})
	s.steps[2].in = s.places[0] + againOffset
	s.steps[1].failed = s.places[2]
	c := begin([]abi.HandOn{to(e, callRights)}, call(given(0), 1), call(given(0), 2))
	first, second := s.result(1), s.result(2)
	if first.result != 0 || second.errno() != syscall.ESRCH {
		return fmt.Errorf("%v, then %v", first.errno(), second.errno())
	}
	if o := c.result(0); o.result != 0 || o.words[0] != 1 {
		return fmt.Errorf("the caller: %+v", o)
	}
	c.over()
	s.over()
	ok(n.Close())
	return object.Close(e)
}

// forgedTokens: one that waits for another process, those near it, and any.
func forgedTokens() error {
	e := endpoint()
	s := begin([]abi.HandOn{to(e, waitRights), to(e, waitRights)}, receive(given(0)), receive(given(1)))
	c := begin([]abi.HandOn{to(e, callRights)}, call(given(0), 1))
	token := s.result(0).token
	r := rand.New(rand.NewPCG(2, 1))
	tries := []uint64{token, token + 1, token - 1, token + 1<<14, token - 1<<14, 0, ^uint64(0), token | 1<<63, token ^ 1<<13}
	for range 1000 {
		tries = append(tries, r.Uint64()>>r.IntN(64), token^1<<r.IntN(64))
	}
	var b [8]byte
	for _, v := range tries {
		m := sys.Message{Token: v}
		if _, err := message(abi.CallEndpointReply, &m); err != syscall.ESRCH {
			return fmt.Errorf("reply by %#x, where %#x is another's: %v", v, token, err)
		}
		if _, err := sys.MessageCopy(abi.CallMessageRead, v, 0, b[:]); want(err, syscall.ESRCH) != nil {
			return fmt.Errorf("read by %#x: %v", v, err)
		}
		if _, err := sys.MessageCopy(abi.CallMessageWrite, v, 0, b[:]); want(err, syscall.ESRCH) != nil {
			return fmt.Errorf("write by %#x: %v", v, err)
		}
		// ReplyReceive doesn't tell it, and goes on to receive.
		m = sys.Message{To: uint64(e), Token: v, Options: &sys.MessageOptions{}}
		if _, err := message(abi.CallEndpointReplyReceive, &m); err != syscall.ETIMEDOUT {
			return fmt.Errorf("reply and receive by %#x: %v", v, err)
		}
	}
	if c.steps[0].finished() != 0 {
		return fmt.Errorf("the caller was answered: %+v", c.steps[0].output)
	}
	s.over()
	if o := c.result(0); o.errno() != syscall.ECONNRESET {
		return fmt.Errorf("the caller: %v", o.errno())
	}
	c.over()
	return object.Close(e)
}

func wrongHandles() error {
	e := endpoint()
	n := abi.Handle(must(object.NewNotification()))
	caller, receiver := must(object.Duplicate(e, callRights)), must(object.Duplicate(e, waitRights))
	poll := &sys.MessageOptions{}
	for _, c := range []struct {
		nr   uint64
		h    abi.Handle
		want syscall.Errno
	}{
		{abi.CallEndpointCall, 0, syscall.EBADF}, {abi.CallEndpointCall, n, syscall.ENOTSUP}, {abi.CallEndpointCall, receiver, syscall.EACCES},
		{abi.CallEndpointReceive, 0, syscall.EBADF}, {abi.CallEndpointReceive, n, syscall.ENOTSUP}, {abi.CallEndpointReceive, caller, syscall.EACCES},
		{abi.CallEndpointReplyReceive, 0, syscall.EBADF}, {abi.CallEndpointReplyReceive, n, syscall.ENOTSUP}, {abi.CallEndpointReplyReceive, caller, syscall.EACCES},
		{abi.CallEndpointReceive, receiver, syscall.ETIMEDOUT}, {abi.CallEndpointCall, caller, syscall.ETIMEDOUT},
	} {
		m := sys.Message{To: uint64(c.h), Options: poll}
		if _, err := message(c.nr, &m); err != c.want {
			return fmt.Errorf("call %#x with handle %#x: %v, want %v", c.nr, c.h, err, c.want)
		}
	}
	for _, h := range []abi.Handle{n, caller, receiver, e} {
		ok(object.Close(h))
	}
	return nil
}

func wrongOptions() error {
	e := endpoint()
	defer object.Close(e)
	n := abi.Handle(must(object.NewNotification()))
	defer object.Close(n)
	noHand := must(object.Duplicate(n, abi.RightWait))
	defer object.Close(noHand)
	all := [4]abi.HandOn{{Handle: n, Rights: abi.RightWait}, {Handle: n, Rights: abi.RightWait, Flags: abi.HandOnMove}}
	for i, c := range []struct {
		o    sys.MessageOptions
		want syscall.Errno
	}{
		{sys.MessageOptions{Deadline: -1}, syscall.EINVAL},
		{sys.MessageOptions{Flags: 4}, syscall.EINVAL},
		{sys.MessageOptions{SendHandles: 5}, syscall.EINVAL},
		{sys.MessageOptions{Accept: 5}, syscall.EINVAL},
		{sys.MessageOptions{SendHandles: 2, Send: all}, syscall.EINVAL}, // moved and copied
		{sys.MessageOptions{SendBytes: abi.MaxMessageBytes + 1}, syscall.EMSGSIZE},
		{sys.MessageOptions{ReceiveBytes: abi.MaxMessageBytes + 1}, syscall.EMSGSIZE},
		{sys.MessageOptions{SendBytes: ^uint32(0)}, syscall.EMSGSIZE},
		{sys.MessageOptions{SendHandles: 1}, syscall.EBADF},
		{sys.MessageOptions{SendHandles: 1, Send: [4]abi.HandOn{{Handle: noHand, Rights: abi.RightWait}}}, syscall.EACCES},
		{sys.MessageOptions{SendHandles: 1, Send: [4]abi.HandOn{{Handle: n, Rights: abi.RightManage}}}, syscall.EACCES},
	} {
		for _, nr := range []uint64{abi.CallEndpointCall, abi.CallEndpointReceive, abi.CallEndpointReplyReceive, abi.CallEndpointReply} {
			m := sys.Message{To: uint64(e), Options: &c.o}
			if _, err := message(nr, &m); err != c.want {
				return fmt.Errorf("options %d, call %#x: %v, want %v", i, nr, err, c.want)
			}
		}
	}
	for _, addr := range []uint64{2, 8, abi.UserLimit - 8, 1 << 63, ^uint64(0) - 7} {
		for _, nr := range []uint64{abi.CallEndpointCall, abi.CallEndpointReceive, abi.CallEndpointReplyReceive, abi.CallEndpointReply} {
			if _, err := sys.ObjectCall(nr, uint64(e), addr); want(err, syscall.EFAULT) != nil {
				return fmt.Errorf("options at %#x: %v", addr, err)
			}
			if _, err := sys.ObjectCall(nr, uint64(e), addr|abi.MessageSame); want(err, syscall.EINVAL) != nil {
				return fmt.Errorf("the same options at %#x, which never were: %v", addr, err)
			}
		}
	}
	return nil
}

// notTheSame: after a call with a deadline no options are the same, whatever is given for them.
func notTheSame() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	e := endpoint()
	defer object.Close(e)
	m := sys.Message{To: uint64(e), Options: &sys.MessageOptions{}}
	if _, err := message(abi.CallEndpointReceive, &m); err != syscall.ETIMEDOUT {
		return err
	}
	_, err := sys.ObjectCall(abi.CallEndpointReply, 0, ^uint64(0), 0)
	return want(err, syscall.EINVAL)
}

// refused: nobody can receive, before the call and while it waits.
func refused() error {
	e := endpoint()
	caller := must(object.Duplicate(e, callRights|transferred))
	c := begin([]abi.HandOn{to(caller, callRights)}, call(given(0)))
	c.waits(0, 1)
	ok(object.Close(e))
	if o := c.result(0); o.errno() != syscall.ECONNREFUSED {
		return fmt.Errorf("the call that waited: %v", o.errno())
	}
	c.over()
	m := sys.Message{To: uint64(caller)}
	if _, err := message(abi.CallEndpointCall, &m); err != syscall.ECONNREFUSED {
		return fmt.Errorf("a later call: %v", err)
	}
	return object.Close(caller)
}
