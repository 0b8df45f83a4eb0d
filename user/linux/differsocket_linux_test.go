// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestDifferSockets makes calls of chance on unix sockets.
func TestDifferSockets(t *testing.T) {
	signal.Ignore(syscall.SIGPIPE)
	differSeeds(t, 80, 20, 500, func(d *differ, w *world) {
		empty(w)
		d.steps, d.quiet = socketSteps, true
	})
}

// FuzzDifferSockets is TestDifferSockets by seeds of the fuzzer's.
func FuzzDifferSockets(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) {
		differSeed(t, seed, 200, func(d *differ, w *world) {
			empty(w)
			d.steps, d.quiet = socketSteps, true
		})
	})
}

var socketSteps = []func(*differ) bool{
	stepSocket, stepSocket, stepSocketpair, stepSocketpair, stepClose, stepPoll, stepPoll, stepPoll, stepEpollCtl, stepEpollWait, stepEpoll,
	stepBind, stepBind, stepBind, stepConnect, stepConnect, stepConnect, stepConnect, stepAccept, stepAccept,
	stepSend, stepSend, stepSend, stepSend, stepSendto, stepSendto, stepReceive, stepReceive, stepReceive, stepReceive,
	stepSendmsg, stepSendmsg, stepRecvmsg, stepRecvmsg, stepGetOption, stepGetOption, stepName, stepDup,
	plain(lx.SysListen, func(d *differ) []arg { return []arg{d.slot(), num(uint64(d.r.IntN(4)))} }),
	plain(lx.SysListen, func(d *differ) []arg { return []arg{d.slot(), num(uint64(d.r.IntN(4)))} }),
	plain(lx.SysShutdown, func(d *differ) []arg { return []arg{d.slot(), num(uint64(d.r.IntN(4)))} }),
	plain(lx.SysUnlinkat, func(d *differ) []arg { return []arg{num(here), mem(pathAt), num(0)} }),
	stepFstat, stepStat, stepOpen, stepIoctl, stepSetOption, stepReadSocket, stepReadSocket, stepWriteSocket,
}

func (d *differ) socketType() uint64 { return []uint64{1, 1, 2, 2, 5}[d.r.IntN(5)] | abi.O_NONBLOCK }

func stepSocket(d *differ) bool {
	i := 1 + d.r.IntN(slots-1)
	what := d.socketType()
	if d.r.IntN(10) == 0 {
		what = uint64(d.r.IntN(13)) | d.flags(1<<20)
		if what == 4 || what == 3 { // SOCK_RDM; raw ones are as datagrams
			what = 1 | abi.O_NONBLOCK
		}
		what |= abi.O_NONBLOCK
	}
	ok := d.open(i, lx.SysSocket, num(1), num(what), num(uint64(d.r.IntN(12)/10)))
	d.kind[i] = 's'
	return ok
}

func stepSocketpair(d *differ) bool {
	i := 1 + d.r.IntN(slots-2)
	if _, _, ok := d.same(lx.SysSocketpair, num(1), num(d.socketType()), num(0), mem(dataAt)); !ok {
		return false
	}
	if r := d.log[len(d.log)-1]; !strings.HasSuffix(r, "= 0") {
		return true
	}
	d.log = append(d.log, fmt.Sprintf("  into slot%d and slot%d", i, i+1))
	for k := range 2 {
		ours := uint64(binary.LittleEndian.Uint32(d.ours.memory[dataAt+4*k:]))
		host := uint64(binary.LittleEndian.Uint32(d.host.memory[dataAt+4*k:]))
		d.drop(i + k)
		d.opened[i+k], d.ours.fds[i+k], d.host.fds[i+k] = true, ours, host
		d.kind[i+k] = 's'
	}
	return true
}

// address puts an address into both memories, and gives where it is and its length.
func (d *differ) address(at int) (arg, arg) {
	b := []byte{1, 0}
	switch k := d.r.IntN(12); {
	case k < 5:
		b = append(b, []string{"a", "b", "dir", "dir/a"}[d.r.IntN(4)]...)
		if d.r.IntN(2) == 0 {
			b = append(b, 0)
		}
	case k < 10:
		b = append(b, fmt.Sprintf("\x00loam-%d-%d-%d", os.Getpid(), d.abstract, d.r.IntN(3))...)
	case k == 10:
		b = b[:d.r.IntN(3)]
		if d.r.IntN(2) == 0 && len(b) > 0 {
			b[0] = 0
		}
	default:
		b = append([]byte{byte(d.r.IntN(3)), 0, 'x'}, make([]byte, d.r.IntN(130))...)
	}
	d.both(at, string(b))
	d.log = append(d.log, fmt.Sprintf("  address %q", b))
	return mem(uint64(at)), num(uint64(len(b)))
}

func stepBind(d *differ) bool {
	a, n := d.address(pathAt)
	if n.v == 2 && d.ours.memory[pathAt] == 1 { // a name that is made up isn't the same
		return true
	}
	_, _, ok := d.same(lx.SysBind, d.slot(), a, n)
	return ok
}

func stepConnect(d *differ) bool {
	a, n := d.address(pathAt)
	_, _, ok := d.same(lx.SysConnect, d.slot(), a, n)
	return ok
}

func stepAccept(d *differ) bool {
	d.room(pathAt)
	i := 1 + d.r.IntN(slots-1)
	from := d.slot()
	ok := d.open(i, lx.SysAccept4, from, mem(pathAt+8), mem(pathAt), num(abi.O_NONBLOCK|d.flags(abi.O_CLOEXEC)))
	d.kind[i] = 's'
	return ok && d.memorySame(pathAt, 140)
}

// room puts room for an address there: its size, and the address 8 bytes behind.
func (d *differ) room(at int) {
	n := uint32(d.r.IntN(130)) - 2
	for _, s := range []*side{&d.ours, &d.host} {
		clear(s.memory[at : at+140])
		binary.LittleEndian.PutUint32(s.memory[at:], n)
	}
}

func (d *differ) sendFlags() arg { return num(msgDontWait | msgNoSignal | d.flags(0x80)) }

func stepSend(d *differ) bool {
	d.data()
	_, _, ok := d.same(lx.SysSendto, d.slot(), mem(dataAt), num(uint64(d.r.IntN(200))), d.sendFlags(), num(0), num(0))
	return ok
}

func stepSendto(d *differ) bool {
	return d.sendTo((*differ).address)
}

// sendTo sends to an address of a family.
func (d *differ) sendTo(address func(d *differ, at int) (a, n arg)) bool {
	d.data()
	a, n := address(d, pathAt)
	_, _, ok := d.same(lx.SysSendto, d.slot(), mem(dataAt), num(uint64(d.r.IntN(200))), d.sendFlags(), a, n)
	return ok
}

func stepReceive(d *differ) bool { return d.receiveFrom() && d.memorySame(pathAt, 140) }

// receiveFrom receives, and the address of who sent.
func (d *differ) receiveFrom() bool {
	clear(d.ours.memory[dataAt : dataAt+300])
	clear(d.host.memory[dataAt : dataAt+300])
	d.room(pathAt)
	flags := num(msgDontWait | d.flags(msgPeek, msgTrunc, msgWaitAll))
	_, _, ok := d.same(lx.SysRecvfrom, d.slot(), mem(dataAt), num(uint64(d.r.IntN(300))), flags, mem(pathAt+8), mem(pathAt))
	return ok && d.memorySame(dataAt, 300)
}

func (d *differ) sockets(i arg) bool { return d.kind[i.v] == 's' }

func stepReadSocket(d *differ) bool {
	i := d.slot()
	if !d.sockets(i) {
		return true
	}
	_, _, ok := d.same(lx.SysRead, i, mem(dataAt), num(uint64(d.r.IntN(300))))
	return ok && d.memorySame(dataAt, 300)
}

func stepWriteSocket(d *differ) bool {
	i := d.slot()
	if !d.sockets(i) || !d.quiet { // it may get SIGPIPE
		return true
	}
	_, _, ok := d.same(lx.SysWrite, i, mem(dataAt), num(uint64(d.r.IntN(300))))
	return ok
}

func stepGetOption(d *differ) bool {
	which := []uint64{soReuseAddr, soType, soError, soSndBuf, soRcvBuf, soKeepAlive, soLinger, soPassCred, soRcvLowat, soRcvTimeo,
		soAcceptConn, soProtocol, soDomain, 197}[d.r.IntN(14)]
	d.room(pathAt)
	_, _, ok := d.same(lx.SysGetsockopt, d.slot(), num(1), num(which), mem(pathAt+8), mem(pathAt))
	return ok && d.memorySame(pathAt, 40)
}

func stepSetOption(d *differ) bool {
	which := []uint64{soReuseAddr, soPassCred, soRcvTimeo, soLinger, soType, 197}[d.r.IntN(6)]
	for i := range 4 {
		for _, s := range []*side{&d.ours, &d.host} {
			binary.LittleEndian.PutUint32(s.memory[pathAt+4*i:], 0)
		}
	}
	if which != soPassCred {
		d.ours.memory[pathAt], d.host.memory[pathAt] = 1, 1
	}
	_, _, ok := d.same(lx.SysSetsockopt, d.slot(), num(1), num(which), mem(pathAt), num(uint64(d.r.IntN(20))))
	return ok
}

func stepName(d *differ) bool {
	nr := lx.SysGetsockname
	if d.r.IntN(2) == 0 {
		nr = lx.SysGetpeername
	}
	d.room(pathAt)
	_, _, ok := d.same(nr, d.slot(), mem(pathAt+8), mem(pathAt))
	return ok && d.memorySame(pathAt, 140)
}

// message puts a struct msghdr into both memories: a name, two pieces of data, and room for control messages.
func (d *differ) message(name bool, nameLen, control int) {
	for _, s := range []*side{&d.ours, &d.host} {
		le := binary.LittleEndian
		h := s.memory[pathAt2:]
		clear(h[:headSize])
		if name {
			le.PutUint64(h[headName:], s.base+pathAt)
			le.PutUint32(h[headNameLen:], uint32(nameLen))
		}
		le.PutUint64(h[headIovec:], s.base+pathAt2+100)
		le.PutUint64(h[headIovecs:], 2)
		le.PutUint64(h[headControl:], s.base+pathAt2+200)
		le.PutUint64(h[headControlLen:], uint64(control))
		le.PutUint64(h[100:], s.base+dataAt)
		le.PutUint64(h[108:], 7)
		le.PutUint64(h[116:], s.base+dataAt+7)
		le.PutUint64(h[124:], 93)
	}
}

// stepSendmsg sends a message, mostly with files.
func stepSendmsg(d *differ) bool {
	d.data()
	n := d.r.IntN(4)
	room := 0
	if n > 0 {
		room = cmsgSize + 4*n
	}
	d.message(false, 0, room)
	for i := range n {
		k := slot(uint64(d.r.IntN(5)))
		if d.sockets(k) { // a circle of sockets would be kept
			k = slot(0)
		}
		for _, s := range []*side{&d.ours, &d.host} {
			b := s.memory[pathAt2+200:]
			binary.LittleEndian.PutUint64(b, uint64(room))
			binary.LittleEndian.PutUint32(b[8:], 1)
			binary.LittleEndian.PutUint32(b[12:], scmRights)
			binary.LittleEndian.PutUint32(b[cmsgSize+4*i:], uint32(s.fds[k.v]))
		}
	}
	_, _, ok := d.same(lx.SysSendmsg, d.slot(), mem(pathAt2), d.sendFlags())
	return ok
}

// stepRecvmsg receives one, and closes the files that came: the numbers aren't the same.
func stepRecvmsg(d *differ) bool {
	clear(d.ours.memory[dataAt : dataAt+300])
	clear(d.host.memory[dataAt : dataAt+300])
	d.message(true, d.r.IntN(120), d.r.IntN(60))
	clear(d.ours.memory[pathAt : pathAt+140])
	clear(d.host.memory[pathAt : pathAt+140])
	clear(d.ours.memory[pathAt2+200 : pathAt2+300])
	clear(d.host.memory[pathAt2+200 : pathAt2+300])
	_, _, ok := d.same(lx.SysRecvmsg, d.slot(), mem(pathAt2), num(msgDontWait|d.flags(msgPeek, msgTrunc, msgCloseExec)))
	for _, s := range []*side{&d.ours, &d.host} {
		h := s.memory[pathAt2:]
		n := binary.LittleEndian.Uint64(h[headControlLen:])
		c := h[200:]
		clear(h[headName:8])
		clear(h[headIovec:24])
		clear(h[headControl:40])
		if ok && n >= cmsgSize && binary.LittleEndian.Uint32(c[12:]) == scmRights {
			for i := cmsgSize; i+4 <= int(binary.LittleEndian.Uint64(c)); i += 4 {
				s.do(lx.SysClose, [6]uint64{uint64(binary.LittleEndian.Uint32(c[i:]))})
				clear(c[i : i+4])
			}
		}
		clear(h[100:132])
	}
	return ok && d.memorySame(dataAt, 300) && d.memorySame(pathAt, 140) && d.memorySame(pathAt2, 300)
}
