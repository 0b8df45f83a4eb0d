// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/linux/inet"
	"loam/user/linux/lx"
	"loam/user/linux/poll"
	"loam/user/linux/socket"
)

// socketFile is a socket of any family.
type socketFile interface {
	device
	base() *socketBase
	kind() socket.Kind
	Listening() bool
	// Ended reports whether a call that waits to receive gets nothing any more, which isn't told to who doesn't wait.
	Ended() bool
	// Buffered is how many bytes can be received, and Unsent how many of its own weren't.
	Buffered() int
	Unsent() int

	// failing reports whether there is an error that a call which has received something leaves to the next.
	failing() bool
	bind(s *Server, t *task, a []byte) abi.Errno
	listen(t *task, backlog int32) abi.Errno
	// connect gives the call's result.
	connect(s *Server, t *task, f *file, a []byte) uint64
	accept(s *Server) (socketFile, abi.Errno)
	name() []byte
	// peer is the other end's address: of one that was just accepted also if the connection is over.
	peer(accepted bool) ([]byte, abi.Errno)
	shutdown(bits uint8) abi.Errno
	// transmit sends what is left of b. lx.Wait: there is no room, or another socket has none that tells of it by a queue.
	transmit(s *Server, t *task, b *span, flags uint32, h *msgHead) (n int, also *poll.Queue, e abi.Errno)
	// roomElsewhere is told when there is room for what this socket sends, nil: its own queue is.
	roomElsewhere() *poll.Queue
	receive(b lx.Buffer, flags uint32) (n int, r arrived, e abi.Errno)
	// controls writes what came with a message.
	controls(s *Server, t *task, c *controlWriter, r *arrived, flags uint32)
	option(level, which int32, room int) ([]byte, abi.Errno)
	setOption(level, which int32, b []byte) abi.Errno
	ioctl(s *Server, t *task, request uint32, arg uint64) uint64
}

// arrived is what came with bytes.
type arrived struct {
	socket.Received        // of unix sockets; Size and Whole of all
	from            []byte // the sender's address; empty: it has none
	inet            inet.Arrived
}

// socketBase is what all sockets have.
type socketBase struct {
	ino      uint64
	timeouts [2]int64 // of receiving and of sending, ns; 0: never
}

func (s *Server) newBase() socketBase {
	s.inode++
	return socketBase{ino: s.inode}
}

func (b *socketBase) base() *socketBase { return b }

func (b *socketBase) again(uint32) (device, abi.Errno) { return nil, abi.ENXIO }

func (b *socketBase) roomElsewhere() *poll.Queue { return nil }

// devSockets is the device that sockets are on.
const devSockets = 8

func (b *socketBase) stat(st *abi.Stat) {
	*st = abi.Stat{Dev: devSockets, Ino: b.ino, Nlink: 1, Mode: abi.S_IFSOCK | 0o777, Blksize: 4096}
}

// socketOf gives the socket of a descriptor.
func (s *Server) socketOf(t *task, fd uint64) (*file, socketFile, abi.Errno) {
	f := s.file(t, fd)
	if f == nil {
		return nil, nil, abi.EBADF
	}
	k, ok := f.dev.(socketFile)
	if !ok {
		return f, nil, abi.ENOTSOCK
	}
	return f, k, 0
}

// Sizes of an address's family, and of struct sockaddr_storage.
const (
	familySize  = 2
	mostAddress = 128
)

// getAddress reads an address, which is there until the scratch is used again.
func (s *Server) getAddress(t *task, addr, n uint64) ([]byte, abi.Errno) {
	if int32(n) < 0 || int32(n) > mostAddress {
		return nil, abi.EINVAL
	}
	b := s.scratch[:int32(n)]
	if len(b) > 0 && !s.get(t, addr, b) {
		return nil, abi.EFAULT
	}
	return b, 0
}

// putBytes writes an answer whose room is at size, as far as there is room, and how long it is.
func (s *Server) putBytes(t *task, b []byte, to, size uint64) uint64 {
	room, e := s.roomAt(t, size)
	if e != 0 {
		return fail(e)
	}
	return s.putPart(t, b[:min(room, len(b))], len(b), to, size)
}

// roomAt reads how much room there is for an answer.
func (s *Server) roomAt(t *task, size uint64) (int, abi.Errno) {
	var n [4]byte
	if !s.get(t, size, n[:]) {
		return 0, abi.EFAULT
	}
	room := int32(binary.LittleEndian.Uint32(n[:]))
	if room < 0 {
		return 0, abi.EINVAL
	}
	return int(room), 0
}

// putPart writes what there is room for of an answer, and at size the length that it is said to have.
func (s *Server) putPart(t *task, b []byte, length int, to, size uint64) uint64 {
	if len(b) > 0 && s.put(t, to, b) != 0 {
		return abi.EFAULT.Result()
	}
	var n [4]byte
	binary.LittleEndian.PutUint32(n[:], uint32(length))
	return s.put(t, size, n[:])
}

// until gives the deadline of a call on a socket that has a timeout, and whether it has come.
func (t *task) until(s *Server, timeout int64) (deadline int64, over bool) {
	if t.w != nil && !t.w.network {
		return never, t.w.expired
	}
	if timeout == 0 {
		return never, false
	}
	return s.after(timeout), false
}

// What a call on a socket waits for.
const (
	receiving = 0
	sending   = 1
)

// sleep has a task wait for a socket, unless it may not.
func (s *Server) sleep(t *task, f *file, which int, dontWait bool, also *poll.Queue) uint64 {
	k := f.dev.(socketFile)
	deadline, over := t.until(s, k.base().timeouts[which])
	if over || dontWait || f.nonblock() {
		return abi.EAGAIN.Result()
	}
	if which == receiving && k.Ended() {
		if k.Listening() {
			return abi.EINVAL.Result()
		}
		return 0
	}
	t.hold(f)
	if also == nil && which == sending {
		also = k.roomElsewhere()
	}
	again := deadline == never // with a limit of time it would begin anew: a signal ends it for good
	if also != nil {
		return s.wait(t, deadline, again, k.Queue(), also)
	}
	return s.wait(t, deadline, again, k.Queue())
}
