// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func bufferCases() []cases.Case {
	return []cases.Case{
		{Name: "bytes both ways", Run: bytesBothWays},
		{Name: "a room that is too short, and the rest", Run: tooShort},
		{Name: "each one's bad memory harms itself", Run: badMemory},
		{Name: "message_read and message_write", Run: readAndWrite},
	}
}

// options are those of a message with n bytes at an address, and room for as many at another one.
func options(send uint64, n uint32, receive uint64, room uint32) *abi.MessageOptions {
	return &abi.MessageOptions{Deadline: object.Forever, SendAddr: send, SendBytes: n, ReceiveAddr: receive, ReceiveBytes: room}
}

// Where an actor's buffers are: two of 64 KiB and a page each, which begin anywhere in a page.
const (
	outOffset = buffers
	inOffset  = buffers + 0x12000
	largeSize = buffers + 0x24000
)

// bytesBothWays sends from none to 64 KiB, at several places in a page.
func bytesBothWays() error {
	e := endpoint()
	for i, n := range []uint32{0, 1, 7, 4095, 4096, 4097, 12288, 65535, 65536} {
		skew := uint64(i*1111) % page
		in := options(dataAt+inOffset+skew, n, dataAt+inOffset+skew, n) // what has come goes back
		p := newProcess(largeSize, to(e, waitRights))
		s := p.add(do{nr: abi.CallEndpointReceive, to: given(0), options: in}, do{nr: abi.CallEndpointReply, options: in, answer: true}).start()
		q := newProcess(largeSize, to(e, callRights))
		for j := range q.data[outOffset : outOffset+0x12000] {
			q.data[outOffset+j] = byte(j*31 + i)
		}
		back := uint64(page-1) - skew
		c := q.add(do{nr: abi.CallEndpointCall, to: given(0), options: options(dataAt+outOffset+skew, n, dataAt+inOffset+back, 65536)}).start()
		if o := c.result(0); o.result != 0 || o.came != abi.CameWith(uint64(n), 0) {
			return fmt.Errorf("%d bytes: %+v", n, o)
		}
		if o := s.result(0); o.result != abi.ReceivedCall || o.came != abi.CameWith(uint64(n), 0) {
			return fmt.Errorf("%d bytes, received: %+v", n, o)
		}
		for j := range uint64(65536) {
			want := byte(0)
			if j < uint64(n) {
				want = byte((skew+j)*31 + uint64(i))
			}
			if got := q.data[inOffset+back+j]; got != want {
				return fmt.Errorf("byte %d of %d is %d, not %d", j, n, got, want)
			}
		}
		q.over()
		p.over()
	}
	return object.Close(e)
}

// tooShort: the whole length is told, and what there is room for comes.
func tooShort() error {
	e, n := endpoint(), must(object.NewNotification())
	defer n.Close()
	p := newProcess(largeSize, to(e, waitRights), to(abi.Handle(n), abi.RightWait))
	s := p.add(do{nr: abi.CallEndpointReceive, to: given(0), options: options(0, 0, dataAt+inOffset, 100)}, pause(given(1))).start()
	q := newProcess(largeSize, to(e, callRights))
	for j := range 5000 {
		q.data[outOffset+j] = byte(j * 13)
	}
	c := q.add(do{nr: abi.CallEndpointCall, to: given(0), options: options(dataAt+outOffset, 5000, dataAt+inOffset, 10)}).start()
	o := s.result(0)
	if o.came != abi.CameWith(5000, 0) || p.data[inOffset+99] != byte(99*13&0xff) || p.data[inOffset+100] != 0 {
		return fmt.Errorf("%+v; bytes 99 and 100 are %d and %d", o, p.data[inOffset+99], p.data[inOffset+100])
	}
	rest := p.add(do{nr: abi.CallMessageRead, to: o.token, value: 100, token: dataAt + inOffset + 100, words: [8]uint64{65536}},
		do{nr: abi.CallEndpointReply, options: options(dataAt+inOffset, 5000, 0, 0), token: o.token}).start()
	if r := rest.result(0); r.result != 4900 {
		return fmt.Errorf("%d bytes were read: %v", r.result, r.errno())
	}
	if r := rest.result(1); r.result != 0 {
		return fmt.Errorf("the answer: %v", r.errno())
	}
	for j := range 5000 {
		if p.data[inOffset+j] != byte(j*13) {
			return fmt.Errorf("byte %d is %d", j, p.data[inOffset+j])
		}
	}
	if r := c.result(0); r.came != abi.CameWith(5000, 0) || q.data[inOffset+9] != byte(9*13) || q.data[inOffset+10] != 0 {
		return fmt.Errorf("the caller: %+v", r)
	}
	q.over()
	p.over()
	return object.Close(e)
}

// untold is the result of a call that still waits.
const untold = syscall.Errno(9999)

// badMemory: unmapped memory, memory that can't be written, and the kernel's, of each side.
func badMemory() error {
	e, n := endpoint(), must(object.NewNotification())
	defer n.Close()
	const nowhere, kernel = 0x70_0000, 1 << 63
	good := options(dataAt+outOffset, 5000, dataAt+inOffset, 5000)
	for _, bad := range []struct {
		name string
		at   uint64
		read bool // it can be
	}{{"unmapped", nowhere, false}, {"its end unmapped", dataAt + largeSize - 100, false}, {"the kernel's", kernel, false},
		{"across the end of user memory", abi.UserLimit - 100, false}, {"read-only", textAt, true}} {
		send, room := *good, *good
		send.SendAddr, room.ReceiveAddr = bad.at, bad.at
		if bad.read {
			send.SendBytes, room.ReceiveBytes = 5000, 5000 // the text is a page: its end is unmapped too
		}
		type outcome struct{ receive, reply, call syscall.Errno }
		for _, c := range []struct {
			name                 string
			receive, reply, call *abi.MessageOptions
			want                 outcome
		}{
			{"the caller's bytes", good, good, &send, outcome{untold, untold, syscall.EFAULT}},
			{"the caller's room", good, good, &room, outcome{0, 0, syscall.EFAULT}},
			{"the receiver's room", &room, good, good, outcome{syscall.EFAULT, untold, untold}},
			{"the server's bytes", good, &send, good, outcome{0, syscall.EFAULT, untold}},
		} {
			for _, first := range []bool{false, true} { // who waits for whom
				p := newProcess(largeSize, to(e, waitRights), to(abi.Handle(n), abi.RightWait))
				s := p.add(do{nr: abi.CallEndpointReceive, to: given(0), options: c.receive},
					do{nr: abi.CallEndpointReply, options: c.reply, answer: true, failed: true}, pause(given(1)))
				q := newProcess(largeSize, to(e, callRights))
				k := q.add(do{nr: abi.CallEndpointCall, to: given(0), options: c.call})
				if first {
					k.start().waits(0, 1)
					s.start()
				} else {
					s.start().waits(0, 1)
					k.start()
				}
				for i, w := range []struct {
					a    *actor
					step int
					want syscall.Errno
				}{{s, 0, c.want.receive}, {s, 1, c.want.reply}, {k, 0, c.want.call}} {
					if w.want == untold {
						continue
					}
					if o := w.a.result(w.step); o.errno() != w.want {
						return fmt.Errorf("%s %s, caller first %v: party %d has %v, not %v", c.name, bad.name, first, i, o.errno(), w.want)
					}
				}
				if c.want.call == untold {
					if k.waits(0, 1); k.steps[0].finished() != 0 {
						return fmt.Errorf("%s %s: the caller has %+v", c.name, bad.name, k.steps[0].output)
					}
				}
				q.over()
				p.over()
			}
		}
	}
	return object.Close(e)
}

// readAndWrite: offsets and lengths at the edges, and memory of each side's that is bad.
func readAndWrite() error {
	e := endpoint()
	q := newProcess(largeSize, to(e, callRights))
	for j := range 100 {
		q.data[outOffset+j] = byte(j)
	}
	c := q.add(do{nr: abi.CallEndpointCall, to: given(0), options: options(dataAt+outOffset, 100, dataAt+inOffset, 50)}).start()
	m := sys.Message{To: uint64(e)}
	if _, err := message(abi.CallEndpointReceive, &m); err != 0 {
		return err
	}
	b := make([]byte, 65536)
	for _, t := range []struct {
		nr, offset, n uint64
		want          uint64
		err           syscall.Errno
	}{
		{abi.CallMessageRead, 0, 100, 100, 0}, {abi.CallMessageRead, 0, 101, 100, 0}, {abi.CallMessageRead, 0, 65536, 100, 0},
		{abi.CallMessageRead, 99, 5, 1, 0}, {abi.CallMessageRead, 100, 5, 0, 0}, {abi.CallMessageRead, 101, 5, 0, syscall.EINVAL},
		{abi.CallMessageRead, 1 << 63, 5, 0, syscall.EINVAL}, {abi.CallMessageRead, 0, 0, 0, 0},
		{abi.CallMessageWrite, 0, 50, 50, 0}, {abi.CallMessageWrite, 0, 51, 50, 0}, {abi.CallMessageWrite, 49, 5, 1, 0},
		{abi.CallMessageWrite, 50, 5, 0, 0}, {abi.CallMessageWrite, 51, 5, 0, syscall.EINVAL},
	} {
		for i := range b {
			b[i] = byte(i + 1)
		}
		got, err := sys.MessageCopy(t.nr, m.Token, t.offset, b[:t.n])
		if want(err, t.err) != nil || got != t.want {
			return fmt.Errorf("%+v: %d, %v", t, got, err)
		}
		for i := range got {
			if t.nr == abi.CallMessageRead && b[i] != byte(t.offset+i) {
				return fmt.Errorf("%+v: byte %d is %d", t, i, b[i])
			}
			if t.nr == abi.CallMessageWrite && q.data[inOffset+t.offset+i] != b[i] {
				return fmt.Errorf("%+v: byte %d is %d", t, i, q.data[inOffset+t.offset+i])
			}
		}
	}
	for _, nr := range []uint64{abi.CallMessageRead, abi.CallMessageWrite} {
		for _, t := range []struct {
			at, n uint64
			want  syscall.Errno
		}{{8, 10, syscall.EFAULT}, {1 << 63, 10, syscall.EFAULT}, {addressOf(&b[0]), 65537, syscall.EINVAL}} {
			if _, err := sys.ObjectCall(nr, m.Token, 0, t.at, t.n); want(err, t.want) != nil {
				return fmt.Errorf("call %#x, address %#x, %d bytes: %v", nr, t.at, t.n, err)
			}
		}
	}
	ok(q.Space.Unmap(dataAt+outOffset&^(page-1), largeSize-outOffset)) // the caller's, while it waits
	for _, nr := range []uint64{abi.CallMessageRead, abi.CallMessageWrite} {
		if _, err := sys.MessageCopy(nr, m.Token, 0, b[:10]); want(err, syscall.ENXIO) != nil {
			return fmt.Errorf("call %#x, the caller's memory is gone: %v", nr, err)
		}
	}
	if _, err := message(abi.CallEndpointReply, &m); err != 0 {
		return err
	}
	if o := c.result(0); o.result != 0 {
		return fmt.Errorf("the caller: %v", o.errno())
	}
	for _, nr := range []uint64{abi.CallMessageRead, abi.CallMessageWrite} {
		if _, err := sys.MessageCopy(nr, m.Token, 0, b[:10]); want(err, syscall.ESRCH) != nil {
			return fmt.Errorf("call %#x after the answer: %v", nr, err)
		}
	}
	q.over()
	return object.Close(e)
}
