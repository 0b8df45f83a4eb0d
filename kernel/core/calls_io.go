//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"encoding/binary"

	"loam/abi"
	"loam/abi/channel"
	"loam/kernel/decode"
	"loam/kernel/poll"
	"loam/kernel/pool"
	"loam/kernel/space"
	"loam/machine/metal"
)

// Descriptors of processes without a personality: package poll keeps them; what
// is here moves bytes between them, programs and the host, and parks who waits.
//
// A read or write moves a bounded piece and may answer less than it was asked
// for, also where Linux would wait for the rest: interrupts are off meanwhile.

const (
	mostWritten = 64 << 10 // bytes of one write to the host
	mostLogged  = 4 << 10  // bytes of one write to the log, in boot mode
	mostPiped   = 64 << 10 // bytes that one read or write moves through a pipe
)

// table gives the caller's descriptors.
func (r *runner) table() *poll.Table { return k.tables[r.p.handle.Index] }

// park makes the caller wait until events may be true of fd.
func (r *runner) park(fd int32, events uint32) uint64 {
	if r.moved {
		return abi.EAGAIN.Result()
	}
	if e := k.poll.Wait(r.index, r.table(), fd, events); e != 0 {
		return e.Result()
	}
	r.pause(forChange, decode.Never)
	r.settle() // it may have come true already
	return 0
}

// sysRead: descriptor, buffer, length.
func sysRead(r *runner, c *metal.Context) uint64 {
	return r.read(int32(c.Arg0()), c.Arg1(), min(c.Arg2(), abi.MAX_RW))
}

func (r *runner) read(fd int32, addr, n uint64) uint64 {
	info, e := k.poll.Info(r.table(), fd)
	switch {
	case e != 0:
		return e.Result()
	case !info.Reads:
		return abi.EBADF.Result()
	case info.Stream == poll.Stdin:
		return r.readInput(fd, addr, n, info.Nonblock)
	}
	done := uint64(0)
	for done < min(n, mostPiped) || n == 0 {
		piece := min(n-done, bufSize)
		if e := r.writable(addr+done, piece); e != 0 {
			return partly(done, e)
		}
		got, e, blocked := k.poll.Read(r.table(), fd, r.buf[:piece])
		r.settle()
		switch {
		case blocked && done == 0:
			return r.park(fd, abi.EPOLLIN)
		case blocked, e == abi.EAGAIN && done > 0:
			return done
		case e != 0:
			return partly(done, e)
		}
		r.as.WriteUser(abi.UserAddr(addr+done), r.buf[:got])
		done += uint64(got)
		if uint64(got) < piece || n == 0 {
			break
		}
	}
	return done
}

// partly is the result of a call that failed after it had moved done bytes.
func partly(done uint64, e abi.Errno) uint64 {
	if done > 0 {
		return done
	}
	return e.Result()
}

// writable makes n bytes at addr ready to be written, at most bufSize, so that
// what is taken from a file isn't lost to a bad address.
func (r *runner) writable(addr, n uint64) abi.Errno { return r.accessible(addr, n, space.Write) }

// accessible checks that n bytes of the caller's can be accessed, and has memory
// behind them.
func (r *runner) accessible(addr, n uint64, access space.Prot) abi.Errno {
	for n > 0 {
		b, e := r.as.View(abi.UserAddr(addr), n, access)
		if e != 0 {
			return e
		}
		addr += uint64(len(b))
		n -= uint64(len(b))
	}
	return 0
}

// readInput reads what has arrived from the host.
func (r *runner) readInput(fd int32, addr, n uint64, nonblock bool) uint64 {
	if n == 0 {
		return 0
	}
	done := uint64(0)
	for done < n && metal.HostReadable() {
		b, e := r.as.View(abi.UserAddr(addr+done), n-done, space.Write)
		if e != 0 {
			return partly(done, e)
		}
		done += uint64(metal.HostRead(b))
	}
	if metal.HostRequested() {
		r.tell(watchHost)
	}
	switch {
	case done > 0:
		r.inputChanged()
		return done
	case metal.HostEOF():
		return 0
	case nonblock:
		return abi.EAGAIN.Result()
	}
	return r.park(fd, abi.EPOLLIN)
}

// inputChanged tells every process whether there is standard input.
func (r *runner) inputChanged() {
	events := uint32(0)
	if metal.HostReadable() {
		events = abi.EPOLLIN | abi.EPOLLRDNORM
	}
	if metal.HostEOF() {
		events |= abi.EPOLLIN | abi.EPOLLHUP
	}
	for i := k.processes.Next(pool.Nil); i != pool.Nil; i = k.processes.Next(i) {
		if tb := k.tables[i]; tb != nil {
			k.poll.SetStream(tb, poll.Stdin, events)
		}
	}
	r.settle()
}

// sysWrite: descriptor, buffer, length.
func sysWrite(r *runner, c *metal.Context) uint64 {
	return r.write(int32(c.Arg0()), c.Arg1(), min(c.Arg2(), abi.MAX_RW))
}

func (r *runner) write(fd int32, addr, n uint64) uint64 {
	info, e := k.poll.Info(r.table(), fd)
	switch {
	case e != 0:
		return e.Result()
	case !info.Writes:
		return abi.EBADF.Result()
	case info.Stream == poll.Stdout:
		return r.writeHost(channel.Stdout, addr, n)
	case info.Stream == poll.Stderr:
		return r.writeHost(channel.Stderr, addr, n)
	}
	done := uint64(0)
	for done < min(n, mostPiped) || n == 0 {
		piece := min(n-done, bufSize)
		if e := r.as.ReadUser(abi.UserAddr(addr+done), r.buf[:piece]); e != 0 {
			return partly(done, e)
		}
		put, e, blocked := k.poll.Write(r.table(), fd, r.buf[:piece])
		r.settle()
		switch {
		case blocked && done == 0:
			return r.park(fd, abi.EPOLLOUT)
		case blocked, e == abi.EAGAIN && done > 0:
			return done
		case e == abi.EPIPE:
			r.postThread(r.index, abi.SentInfo(abi.SIGPIPE, abi.SI_USER, r.p.pid, 0))
			return partly(done, e)
		case e != 0:
			return partly(done, e)
		}
		done += uint64(put)
		if uint64(put) < piece || n == 0 {
			break
		}
	}
	return done
}

// writeHost sends bytes to the host from where they lie.
func (r *runner) writeHost(to channel.Type, addr, n uint64) uint64 {
	done, most := uint64(0), uint64(mostWritten)
	if metal.BootMode() {
		most = mostLogged
	}
	for done < min(n, most) {
		b, e := r.as.View(abi.UserAddr(addr+done), n-done, space.Read)
		if e != 0 {
			return partly(done, e)
		}
		metal.HostWrite(to, b)
		done += uint64(len(b))
	}
	return done
}

func sysReadv(r *runner, c *metal.Context) uint64 { return r.vector(c, false) }

func sysWritev(r *runner, c *metal.Context) uint64 { return r.vector(c, true) }

// vector does a read or write for each of the pieces that c describes, until
// one comes out short.
func (r *runner) vector(c *metal.Context, write bool) uint64 {
	fd, at, count := int32(c.Arg0()), c.Arg1(), c.Arg2()
	if count > abi.IOV_MAX {
		return abi.EINVAL.Result()
	}
	if _, e := k.poll.Info(r.table(), fd); e != 0 {
		return e.Result()
	}
	done := uint64(0)
	for i := range count {
		var b [abi.IovecSize]byte
		if e := r.as.ReadUser(abi.UserAddr(at+i*abi.IovecSize), b[:]); e != 0 {
			return partly(done, e)
		}
		v := abi.GetIovec(b[:])
		if v.Len == 0 {
			continue
		}
		if v.Len > abi.MAX_RW {
			return partly(done, abi.EINVAL)
		}
		n := uint64(0)
		r.moved = done > 0
		if write {
			n = r.write(fd, uint64(v.Base), v.Len)
		} else {
			n = r.read(fd, uint64(v.Base), v.Len)
		}
		r.moved = false
		if e, failed := abi.Failed(n); failed {
			return partly(done, e)
		}
		if r.t == nil || r.t.wait != running {
			return 0 // parked; nothing was moved yet
		}
		done += n
		if n < v.Len || done >= mostPiped {
			break
		}
	}
	return done
}

// sysSeek is for calls that need a position in a file.
func sysSeek(r *runner, c *metal.Context) uint64 {
	if _, e := k.poll.Info(r.table(), int32(c.Arg0())); e != 0 {
		return e.Result()
	}
	return abi.ESPIPE.Result()
}

func sysClose(r *runner, c *metal.Context) uint64 {
	e := k.poll.Close(r.table(), int32(c.Arg0()))
	r.settle()
	return e.Result()
}

func sysFstat(r *runner, c *metal.Context) uint64 {
	st, e := k.poll.Stat(r.table(), int32(c.Arg0()))
	if e != 0 {
		return e.Result()
	}
	var b [abi.StatSize]byte
	abi.PutStat(b[:], &st)
	return r.put(c.Arg1(), b[:])
}

// sysNewfstatat: an empty path means the descriptor; there are no other files.
func sysNewfstatat(r *runner, c *metal.Context) uint64 {
	if c.Arg3()&abi.AT_EMPTY_PATH == 0 {
		return abi.ENOENT.Result()
	}
	var first [1]byte
	if c.Arg1() != 0 {
		if e := r.as.ReadUser(abi.UserAddr(c.Arg1()), first[:]); e != 0 {
			return e.Result()
		}
	}
	if first[0] != 0 {
		return abi.ENOENT.Result()
	}
	st, e := k.poll.Stat(r.table(), int32(c.Arg0()))
	if e != 0 {
		return e.Result()
	}
	var b [abi.StatSize]byte
	abi.PutStat(b[:], &st)
	return r.put(c.Arg2(), b[:])
}

// sysIoctl: nothing here is a terminal.
func sysIoctl(r *runner, c *metal.Context) uint64 {
	fd, tb := int32(c.Arg0()), r.table()
	if _, e := k.poll.Info(tb, fd); e != 0 {
		return e.Result()
	}
	switch uint32(c.Arg1()) {
	case abi.FIOCLEX, abi.FIONCLEX:
		set := uint64(0)
		if uint32(c.Arg1()) == abi.FIOCLEX {
			set = abi.FD_CLOEXEC
		}
		_, e := k.poll.Fcntl(tb, fd, abi.F_SETFD, set)
		return e.Result()
	case abi.FIONBIO:
		on, e := r.as.ReadUint32(abi.UserAddr(c.Arg2()))
		if e != 0 {
			return e.Result()
		}
		flags := uint64(0)
		if on != 0 {
			flags = abi.O_NONBLOCK
		}
		_, e = k.poll.Fcntl(tb, fd, abi.F_SETFL, flags)
		return e.Result()
	}
	return abi.ENOTTY.Result()
}

func sysFcntl(r *runner, c *metal.Context) uint64 {
	v, e := k.poll.Fcntl(r.table(), int32(c.Arg0()), uint32(c.Arg1()), c.Arg2())
	return valueOr(v, e)
}

// valueOr is the result of a call that gives a value or fails.
func valueOr(v uint64, e abi.Errno) uint64 {
	if e != 0 {
		return e.Result()
	}
	return v
}

func sysDup(r *runner, c *metal.Context) uint64 {
	fd, e := k.poll.Dup(r.table(), int32(c.Arg0()), 0, false)
	return valueOr(uint64(fd), e)
}

func sysDup2(r *runner, c *metal.Context) uint64 {
	if c.Arg0() == c.Arg1() {
		_, e := k.poll.Info(r.table(), int32(c.Arg0()))
		return valueOr(c.Arg1(), e)
	}
	fd, e := k.poll.Dup3(r.table(), int32(c.Arg0()), int32(c.Arg1()), 0)
	r.settle()
	return valueOr(uint64(fd), e)
}

func sysDup3(r *runner, c *metal.Context) uint64 {
	fd, e := k.poll.Dup3(r.table(), int32(c.Arg0()), int32(c.Arg1()), uint32(c.Arg2()))
	r.settle()
	return valueOr(uint64(fd), e)
}

func sysPipe(r *runner, c *metal.Context) uint64 { return r.pipe(c.Arg0(), 0) }

func sysPipe2(r *runner, c *metal.Context) uint64 { return r.pipe(c.Arg0(), uint32(c.Arg1())) }

func (r *runner) pipe(addr uint64, flags uint32) uint64 {
	if k.frames.Low() {
		return abi.ENFILE.Result()
	}
	in, out, e := k.poll.Pipe(r.table(), flags)
	if e != 0 {
		return e.Result()
	}
	var b [8]byte
	binary.LittleEndian.PutUint32(b[0:], uint32(in))
	binary.LittleEndian.PutUint32(b[4:], uint32(out))
	if e := r.as.WriteUser(abi.UserAddr(addr), b[:]); e != 0 {
		k.poll.Close(r.table(), in)
		k.poll.Close(r.table(), out)
		return e.Result()
	}
	return 0
}
