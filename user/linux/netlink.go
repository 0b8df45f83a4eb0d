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

// netlinkFile is a socket of rtnetlink(7), which tells what interfaces there are: nothing can be changed.
type netlinkFile struct {
	socketBase
	domain *Server
	number uint32   // its address; 0: it has none yet
	remote uint32   // that it is connected to, if it is
	linked bool     // it is connected
	in     [][]byte // answers
	queue  poll.Queue
}

const netlinkSize = 12 // struct sockaddr_nl: family, number, groups

// newNetlink makes one, if the type and protocol are right.
func (s *Server) newNetlink(what uint32, protocol int32) (socketFile, abi.Errno) {
	switch {
	case what != typeRaw && what != uint32(socket.Datagram):
		return nil, abi.ESOCKTNOSUPPORT
	case protocol != 0: // NETLINK_ROUTE
		return nil, abi.EPROTONOSUPPORT
	}
	return &netlinkFile{socketBase: s.newBase(), domain: s}, 0
}

func (f *netlinkFile) kind() socket.Kind  { return socket.Datagram }
func (f *netlinkFile) Queue() *poll.Queue { return &f.queue }
func (f *netlinkFile) Listening() bool    { return false }
func (f *netlinkFile) Ended() bool        { return false }
func (f *netlinkFile) failing() bool      { return false }
func (f *netlinkFile) Unsent() int        { return 0 }

func (f *netlinkFile) Buffered() int {
	if len(f.in) == 0 {
		return 0
	}
	return len(f.in[0])
}

// Events is for poll.File.
func (f *netlinkFile) Events() uint32 {
	v := uint32(abi.EPOLLOUT | abi.EPOLLWRNORM | abi.EPOLLWRBAND)
	if len(f.in) > 0 {
		v |= abi.EPOLLIN | abi.EPOLLRDNORM
	}
	return v
}

// parse takes an address apart.
func (f *netlinkFile) parse(a []byte) (number uint32, e abi.Errno) {
	if len(a) < netlinkSize || binary.LittleEndian.Uint16(a) != familyNetlink {
		return 0, abi.EINVAL
	}
	return binary.LittleEndian.Uint32(a[4:]), 0
}

func (f *netlinkFile) bind(s *Server, t *task, a []byte) abi.Errno {
	n, e := f.parse(a)
	switch {
	case e != 0:
		return e
	case f.number != 0 && n != f.number:
		return abi.EINVAL
	}
	return f.take(t.p, n)
}

// take gives it an address: 0: that of the process, if no other socket has it, or one that nobody has.
func (f *netlinkFile) take(p *process, n uint32) abi.Errno {
	all := f.domain.netlinks
	switch {
	case f.number != 0:
		return 0
	case n != 0 && all[n] != nil:
		return abi.EADDRINUSE
	case n == 0:
		n = uint32(p.pid)
		for lower := ^uint32(4095); all[n] != nil; lower-- {
			n = lower
		}
	}
	all[n], f.number = f, n
	return 0
}

func (f *netlinkFile) close() {
	if f.number != 0 {
		delete(f.domain.netlinks, f.number)
	}
	f.queue.Tell(abi.EPOLLHUP)
}

func (f *netlinkFile) listen(*task, int32) abi.Errno { return abi.ENOTSUP }

func (f *netlinkFile) accept(*Server) (socketFile, abi.Errno) { return nil, abi.ENOTSUP }

func (f *netlinkFile) connect(s *Server, t *task, _ *file, a []byte) uint64 {
	if len(a) >= familySize && binary.LittleEndian.Uint16(a) == 0 {
		f.linked = false
		return 0
	}
	n, e := f.parse(a)
	if e != 0 {
		return fail(e)
	}
	f.linked, f.remote = true, n
	return fail(f.take(t.p, 0))
}

func netlinkAddress(number uint32) []byte {
	b := binary.LittleEndian.AppendUint16(nil, familyNetlink)
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(append(b, 0, 0), number), 0)
}

func (f *netlinkFile) name() []byte                  { return netlinkAddress(f.number) }
func (f *netlinkFile) peer(bool) ([]byte, abi.Errno) { return netlinkAddress(f.remote), 0 }
func (f *netlinkFile) shutdown(uint8) abi.Errno      { return abi.ENOTSUP }
func (f *netlinkFile) setOption(level, which int32, b []byte) abi.Errno {
	if level != levelSocket {
		return 0 // of netlink's own none matters
	}
	if which == soRcvBuf || which == soSndBuf || which == soRcvBufForce || which == soPassCred {
		return 0
	}
	return f.socketBase.setOption(which, b)
}

func (f *netlinkFile) option(level, which int32, _ int) ([]byte, abi.Errno) {
	switch {
	case level != levelSocket:
		return nil, abi.ENOPROTOOPT
	case which == soType:
		return optionWord(typeRaw), 0
	case which == soDomain:
		return optionWord(familyNetlink), 0
	case which == soError || which == soProtocol:
		return optionWord(0), 0
	case which == soRcvBuf || which == soSndBuf:
		return optionWord(receiveBuffer), 0
	}
	if b := f.socketBase.option(which); b != nil {
		return b, 0
	}
	return nil, abi.ENOPROTOOPT
}

func (f *netlinkFile) ioctl(s *Server, t *task, request uint32, arg uint64) uint64 {
	return s.interfaceIoctl(t, request, arg)
}

func (f *netlinkFile) read(_ *Server, b lx.Buffer) (int, abi.Errno) {
	n, _, e := f.receive(b, 0)
	return n, e
}

func (f *netlinkFile) receive(b lx.Buffer, flags uint32) (int, arrived, abi.Errno) {
	if len(f.in) == 0 {
		return 0, arrived{}, lx.Wait
	}
	m := f.in[0]
	if flags&msgPeek == 0 {
		f.in = f.in[1:]
	}
	n, e := b.Put(m[:min(len(m), b.Len())])
	r := arrived{from: netlinkAddress(0)}
	r.Size, r.Whole = len(m), n == len(m)
	return n, r, e
}

func (f *netlinkFile) controls(*Server, *task, *controlWriter, *arrived, uint32) {}

func (f *netlinkFile) write(s *Server, b lx.Buffer) (int, abi.Errno) { return f.ask(s.current.p, b) }

func (f *netlinkFile) transmit(s *Server, t *task, b *span, flags uint32, h *msgHead) (int, *poll.Queue, abi.Errno) {
	to := f.remote
	if h.nameLen > 0 {
		a, e := s.getAddress(t, h.name, uint64(h.nameLen))
		if e == 0 {
			to, e = f.parse(a)
		}
		if e != 0 {
			return 0, nil, e
		}
	}
	switch {
	case flags&msgOOB != 0:
		return 0, nil, abi.ENOTSUP
	case to != 0: // another program's socket, and not what tells of interfaces
		return 0, nil, abi.ECONNREFUSED
	}
	n, e := f.ask(t.p, b)
	return n, nil, e
}

// Sizes of a request, and how many answers wait to be received.
const (
	mostRequest = 32 << 10
	mostAnswers = 64
)

// ask answers requests.
func (f *netlinkFile) ask(p *process, b lx.Buffer) (int, abi.Errno) {
	if b.Len() > mostRequest {
		return 0, abi.EMSGSIZE
	}
	if e := f.take(p, 0); e != 0 {
		return 0, e
	}
	all, known := f.domain.inet.Interfaces()
	if !known {
		return 0, inet.Unknown
	}
	requests := make([]byte, b.Len())
	if _, e := b.Get(requests); e != 0 {
		return 0, e
	}
	if answers := inet.AnswerNetlink(requests, f.number, all); len(answers) > 0 {
		if len(f.in)+len(answers) > mostAnswers {
			return 0, abi.ENOBUFS
		}
		f.in = append(f.in, answers...)
		f.queue.Tell(abi.EPOLLIN | abi.EPOLLRDNORM)
	}
	return len(requests), 0
}
