// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"syscall"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// Two processes pass each other words by forwarded calls, as by pipes: whoever takes one waits until the
// other has given it. So the server copies little, answers who isn't the last to have called, and receives without an
// answer while both wait, which are the short ways of core's forwardnow.go.

// Numbers of the two calls, which are none of Linux's: an address is their argument.
const (
	giveCall = unknownCall - 100 // the word there is given to the other one
	takeCall = unknownCall - 101 // the next word is put there
)

const turnsEach = 40

// taker is one of the two.
type taker struct {
	*actor
	id    uint64 // of its thread
	waits uint64 // token of its takeCall that waits; 0: none
	at    uint64 // its argument
	words [][8]byte
}

// forwardedTurns: no word is lost, or comes twice. Now and then bits of a notification come between.
func forwardedTurns() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s, n := newServer(), must(object.NewNotification())
	must(sys.ObjectCall(abi.CallThreadBind, uint64(n)))
	var two [2]*taker
	for i := range two {
		p := newProcess(2 * buffers)
		var steps []do
		for turn := range uint64(turnsEach) {
			from, to := dataAt+buffers+16*turn, dataAt+buffers+page+16*turn
			binary.LittleEndian.PutUint64(p.data[from-dataAt:], uint64(i)<<32|turn+1)
			pair := []do{linux(giveCall, from), linux(takeCall, to)}
			if i == 1 {
				pair[0], pair[1] = pair[1], pair[0]
			}
			steps = append(steps, pair...)
		}
		two[i] = &taker{actor: p.add(steps...)}
		ok(p.Process.Forward(s.minted))
	}
	for _, x := range two {
		x.id = uint64(must(x.thread.Info()).ID)
		x.start()
	}
	err := s.passWords(n, two)
	for i, x := range two {
		got := x.data[buffers+page:][:16*turnsEach]
		want := two[1-i].data[buffers:][:16*turnsEach]
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("process %d got % x, want % x", i, got, want)
		}
	}
	for _, x := range two {
		x.over()
	}
	must(sys.ObjectCall(abi.CallThreadBind, 0))
	ok(n.Close())
	if err != nil {
		return err
	}
	return s.close()
}

// passWords serves the calls of both to the last.
func (s server) passWords(n object.Notification, two [2]*taker) error {
	m := sys.Message{To: uint64(s.e)}
	nr := uint64(abi.CallEndpointReceive)
	for calls := 0; calls < 4*turnsEach; calls++ {
		if calls%7 == 0 {
			if err := s.bits(n, nr, &m); err != nil {
				return err
			}
			nr = abi.CallEndpointReceive
		}
		m.To = uint64(s.e)
		if what, err := message(nr, &m); err != 0 || what != abi.ReceivedForwarded {
			return fmt.Errorf("call %d: %d was received, %v", calls, what, err)
		}
		me := two[0]
		if two[1].id == m.Words[7] {
			me = two[1]
		}
		answered, err := me.passes(two[0] == me, two, &m)
		if err != nil {
			return fmt.Errorf("call %d: %w", calls, err)
		}
		if nr = abi.CallEndpointReceive; answered {
			nr = abi.CallEndpointReplyReceive
			m.Words[0] = 0
		}
	}
	if nr == abi.CallEndpointReplyReceive {
		return answer(m.Token, 0, nil)
	}
	return nil
}

// bits has the notification's bits come, whatever else could, and with the answer that is due.
func (s server) bits(n object.Notification, nr uint64, m *sys.Message) error {
	ok(n.Signal(5))
	m.To = uint64(s.e)
	if what, err := message(nr, m); err != 0 || what != abi.ReceivedBits || m.Words[0] != 5 {
		return fmt.Errorf("%d was received, %v, word %d; want bits", what, err, m.Words[0])
	}
	return nil
}

// passes does a call, and reports whether it is to be answered now.
func (x *taker) passes(first bool, two [2]*taker, m *sys.Message) (answered bool, err error) {
	other := two[0]
	if first {
		other = two[1]
	}
	if m.Words[0] == takeCall {
		x.at = m.Words[1]
		if len(x.words) == 0 {
			x.waits = m.Token
			return false, nil
		}
		return true, x.put(m.Token)
	}
	var b [8]byte
	if got, err := sys.MessageCopy(abi.CallMessageRead, m.Token, m.Words[1], b[:]); got != 8 || err != nil {
		return false, fmt.Errorf("%d bytes read, %v", got, err)
	}
	other.words = append(other.words, b)
	if token := other.waits; token != 0 {
		other.waits = 0
		if err := other.put(token); err != nil {
			return false, err
		}
		if err := answer(token, 0, nil); err != nil {
			return false, err
		}
		if err := want(answer(token, 0, nil), syscall.ESRCH); err != nil {
			return false, fmt.Errorf("a second answer: %v", err)
		}
	}
	return true, nil
}

// put gives a waiting takeCall its word.
func (x *taker) put(token uint64) error {
	b := x.words[0]
	x.words = x.words[1:]
	if got, err := sys.MessageCopy(abi.CallMessageWrite, token, x.at, b[:]); got != 8 || err != nil {
		return fmt.Errorf("%d bytes written, %v", got, err)
	}
	return nil
}
