// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import "golang.org/x/sys/unix"

// socket is the descriptor of a socket.
func (s *System) socket(fd uint64, need rights) (*descriptor, Errno) {
	d, e := s.get(fd, 0)
	switch {
	case e != errnoSuccess:
		return nil, e
	case d.kind != typeStream:
		return nil, errnoNotsock
	}
	return s.get(fd, need)
}

// backlog is how many connections may wait to be accepted.
const backlog = 128

// newListener makes a listener that is granted. It never waits, unless the module wants it to: Go's runtime lets other
// goroutines run only while descriptors are so that it is given, and takes them as they come.
func newListener(port uint16) (*descriptor, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Port: int(port)}); err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &descriptor{&file{fd: fd, kind: typeStream}, ofListener, 0}, nil
}

func sockAccept(s *System, m memory, p []uint64) Errno {
	d, e := s.socket(p[0], rightAccept)
	if e != errnoSuccess {
		return e
	}
	if uint32(p[1])&^flagNonblock != 0 {
		return errnoInval
	}
	if _, ok := m.bytes(uint32(p[2]), 4); !ok {
		return errnoFault
	}
	fd := none
	err := again(func() (err error) {
		fd, _, err = unix.Accept4(d.fd, linuxFlags(uint32(p[1]))|unix.SOCK_CLOEXEC)
		return err
	})
	if err != nil {
		return errnoOf(err)
	}
	return m.put32(uint32(p[2]), s.add(&descriptor{&file{fd: fd, kind: typeStream}, ofSocket, 0}))
}

// Flags of receiving, and what comes back.
const (
	receivePeek = 1 << iota
	receiveWaitAll
)

const dataTruncated = 1

func sockRecv(s *System, m memory, p []uint64) Errno {
	d, e := s.socket(p[0], rightRead)
	if e != errnoSuccess {
		return e
	}
	flags := 0
	switch f := uint32(p[3]); {
	case f&^(receivePeek|receiveWaitAll) != 0:
		return errnoNotsup
	default:
		if f&receivePeek != 0 {
			flags |= unix.MSG_PEEK
		}
		if f&receiveWaitAll != 0 {
			flags |= unix.MSG_WAITALL
		}
	}
	result, ok := m.bytes(uint32(p[5]), 2)
	if !ok {
		return errnoFault
	}
	got := 0
	e = s.transfer(m, p[1], p[2], p[4], func(b [][]byte) (n int, err error) {
		n, _, got, _, err = unix.RecvmsgBuffers(d.fd, b, nil, flags)
		return n, err
	})
	if result[0], result[1] = 0, 0; e == errnoSuccess && got&unix.MSG_TRUNC != 0 {
		result[0] = dataTruncated
	}
	return e
}

func sockSend(s *System, m memory, p []uint64) Errno {
	d, e := s.socket(p[0], rightWrite)
	if e != errnoSuccess {
		return e
	}
	if uint32(p[3]) != 0 {
		return errnoNotsup // the specification has none yet
	}
	return s.transfer(m, p[1], p[2], p[4], func(b [][]byte) (int, error) {
		return unix.SendmsgBuffers(d.fd, b, nil, nil, unix.MSG_NOSIGNAL)
	})
}

func sockShutdown(s *System, _ memory, p []uint64) Errno {
	d, e := s.socket(p[0], rightShutdown)
	if e != errnoSuccess {
		return e
	}
	how := map[uint32]int{1: unix.SHUT_RD, 2: unix.SHUT_WR, 3: unix.SHUT_RDWR}
	h, ok := how[uint32(p[1])]
	if !ok {
		return errnoInval
	}
	return errnoOf(unix.Shutdown(d.fd, h))
}
