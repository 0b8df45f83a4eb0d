// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// server is a pager: it has an endpoint, the object, a source of its content and a board.
type server struct {
	mode          string
	endpoint      abi.Handle
	memory        object.Memory
	source, board []byte
}

// serve is the role of a pager. It brings pages as the mode says: "1" or another number is
// how many pages at once, on two threads if there are several; "nothing" answers
// without a page, "elsewhere" with another one; "slow" takes its time; "hold" never answers; "die" ends
// when it is asked, "once" when it is asked the second time.
func serve(mode string) error {
	s := &server{mode: mode, endpoint: object.Given(0), memory: object.Memory(object.Given(1))}
	s.source = mapped(object.Memory(object.Given(2)), abi.PROT_READ)
	s.board = mapped(object.Memory(object.Given(3)), abi.PROT_READ|abi.PROT_WRITE)
	errs := make(chan error)
	threads := 1
	if n, err := strconv.Atoi(mode); err == nil && n > 1 {
		threads = 2
	}
	for range threads {
		go func() { errs <- s.loop() }()
	}
	return <-errs
}

func (s *server) loop() error {
	runtime.LockOSThread()
	m := sys.Message{}
	for {
		m.To, m.Options = uint64(s.endpoint), nil
		switch r := sys.MessageBlock(abi.CallEndpointReplyReceive, &m); r {
		case abi.ReceivedCall:
			word(s.board[calls:]).Add(1)
			m.Words[0]++
		case abi.ReceivedPage:
			if err := s.bring(&m); err != nil {
				return err
			}
			m.Words = [8]uint64{^uint64(0), 1, 2, 3, 4, 5, 6, 7} // nobody gets to see them
		default:
			if e := abi.Errno(-r); e != abi.EINTR {
				return fmt.Errorf("receive: %w", e)
			}
			m.Token = 0
		}
	}
}

// bring does what is to be done about a page.
func (s *server) bring(m *sys.Message) error {
	offset := m.Words[1]
	putWord(s.board[lastOffset:], offset)
	putWord(s.board[lastAccess:], m.Words[2])
	n := word(s.board[asks:]).Add(1)
	if m.Words[0] != key || m.To != 0 || offset%abi.PageSize != 0 || m.Came != 0 {
		return fmt.Errorf("asked for %#x with badge %d, came %d", m.Words, m.To, m.Came)
	}
	var b [64]byte // an ask has no bytes, whatever the thread has sent before
	if n, err := sys.MessageCopy(abi.CallMessageRead, m.Token, 0, b[:]); n != 0 || err != nil {
		return fmt.Errorf("%d bytes of an ask, %v", n, err)
	}
	size := uint64(len(s.source))
	switch s.mode {
	case "nothing":
		return nil
	case "elsewhere":
		offset = (offset + abi.PageSize) % size
	case "hold":
		for {
			time.Sleep(time.Hour)
		}
	case "die":
		os.Exit(0)
	case "once":
		if n == 2 {
			os.Exit(0)
		}
	case "slow":
		time.Sleep(2 * time.Millisecond)
	}
	pages, err := strconv.Atoi(s.mode)
	if err != nil {
		pages = 1
	}
	end := min(offset+uint64(pages)*abi.PageSize, size)
	if err := s.memory.Supply(offset, s.source[offset:end]); err != nil {
		return errors.Join(errors.New("supply"), err)
	}
	return nil
}
