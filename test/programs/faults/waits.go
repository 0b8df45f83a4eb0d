// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// maker makes what a call waits for, and gives up the program if that can't be had.
type maker struct {
	opened []int
	pid    int // of a child
}

func (m *maker) fd(fd int, err error) int {
	fail(err)
	m.opened = append(m.opened, fd)
	return fd
}

func (m *maker) pipe() (r, w int) {
	r, w, err := newPipe(0)
	return m.fd(r, err), m.fd(w, err)
}

// full is a pipe that is.
func (m *maker) full() (r, w int) {
	r, w = m.pipe()
	fail(unix.SetNonblock(w, true))
	fill(w, capacity)
	fail(unix.SetNonblock(w, false))
	return r, w
}

func (m *maker) sockets(kind int) (a, b int) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	return m.fd(fds[0], err), m.fd(fds[1], err)
}

func (m *maker) close() {
	for _, fd := range m.opened {
		_ = unix.Close(fd)
	}
	if m.pid != 0 {
		_ = unix.Kill(m.pid, unix.SIGKILL)
		_, _ = unix.Wait4(m.pid, nil, 0, nil)
	}
}

// folder is a new one, which stays.
func (m *maker) folder() string {
	dir, err := os.MkdirTemp("", "waits")
	fail(err)
	return dir
}

// waits are the calls.
func waits() []wait {
	all := slices.Concat(pipeWaits, descriptorWaits, acceptWaits, networkWaits, pollWaits, lockWaits, timeWaits, processWaits)
	for _, mode := range []int{unix.O_RDONLY, unix.O_WRONLY} {
		all = append(all, fifoWait(mode))
	}
	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		all = append(all, socketWaits(kind)...)
	}
	return all
}

func writeByte(fd int) func() error {
	return func() error { _, err := unix.Write(fd, []byte("x")); return err }
}

func readSome(fd int) func() error {
	return func() error { _, err := unix.Read(fd, make([]byte, capacity)); return err }
}

var pipeWaits = []wait{
	{"read of a pipe", func(m *maker) (call, act) {
		r, w := m.pipe()
		return func() (int, error) { return unix.Read(r, make([]byte, 8)) }, writeByte(w)
	}},
	{"readv", func(m *maker) (call, act) {
		r, w := m.pipe()
		return func() (int, error) { return unix.Readv(r, [][]byte{make([]byte, 1), make([]byte, 8)}) }, writeByte(w)
	}},
	{"write to a pipe", func(m *maker) (call, act) {
		r, w := m.full()
		return func() (int, error) { return unix.Write(w, []byte("x")) }, readSome(r)
	}},
	{"writev", func(m *maker) (call, act) {
		r, w := m.full()
		return func() (int, error) { return unix.Writev(w, [][]byte{[]byte("x"), []byte("yz")}) }, readSome(r)
	}},
	{"splice", func(m *maker) (call, act) {
		r, w := m.pipe()
		_, to := m.pipe()
		return func() (int, error) { n, err := unix.Splice(r, nil, to, nil, 10, 0); return int(n), err }, writeByte(w)
	}},
	{"tee", func(m *maker) (call, act) {
		r, w := m.pipe()
		_, to := m.pipe()
		return func() (int, error) { n, err := unix.Tee(r, to, 10, 0); return int(n), err }, writeByte(w)
	}},
	{"vmsplice", func(m *maker) (call, act) {
		r, w := m.full()
		b := []byte("xyz")
		v := unix.Iovec{Base: &b[0]}
		v.SetLen(len(b))
		return func() (int, error) { return raw(unix.SYS_VMSPLICE, uintptr(w), addr(&v), 1, 0) }, readSome(r)
	}},
	{"sendfile", func(m *maker) (call, act) {
		r, w := m.full()
		file := m.fd(unix.Open("/proc/self/exe", unix.O_RDONLY|unix.O_CLOEXEC, 0))
		return func() (int, error) { return unix.Sendfile(w, file, nil, 100) }, readSome(r)
	}},
}

var eventOne = []byte{1, 0, 0, 0, 0, 0, 0, 0}

var descriptorWaits = []wait{
	{"read of an eventfd", func(m *maker) (call, act) {
		event := m.fd(unix.Eventfd(0, unix.EFD_CLOEXEC))
		return func() (int, error) { return unix.Read(event, make([]byte, 8)) },
			func() error { _, err := unix.Write(event, eventOne); return err }
	}},
	{"write to an eventfd", func(m *maker) (call, act) {
		event := m.fd(unix.Eventfd(0, unix.EFD_CLOEXEC))
		_, err := unix.Write(event, []byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
		fail(err)
		return func() (int, error) { return unix.Write(event, eventOne) }, readSome(event)
	}},
	{"read of a timerfd", func(m *maker) (call, act) {
		timer := m.fd(unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC))
		return func() (int, error) { return unix.Read(timer, make([]byte, 8)) },
			func() error {
				return unix.TimerfdSettime(timer, 0, &unix.ItimerSpec{Value: unix.Timespec{Nsec: 1}}, nil)
			}
	}},
	{"read of a signalfd", func(*maker) (call, act) {
		var tid atomic.Int64
		return func() (int, error) {
			var set unix.Sigset_t
			set.Val[0] = 1 << (unix.SIGUSR2 - 1)
			fail(unix.PthreadSigmask(unix.SIG_BLOCK, &set, nil)) // the thread ends with the call
			fd, err := unix.Signalfd(-1, &set, unix.SFD_CLOEXEC)
			fail(err)
			defer unix.Close(fd)
			tid.Store(int64(unix.Gettid()))
			return unix.Read(fd, make([]byte, 128))
		}, func() error { return unix.Tgkill(unix.Getpid(), int(tid.Load()), unix.SIGUSR2) }
	}},
	{"read of an inotify", func(m *maker) (call, act) {
		watch, dir := m.fd(unix.InotifyInit1(unix.IN_CLOEXEC)), m.folder()
		_, err := unix.InotifyAddWatch(watch, dir, unix.IN_CREATE)
		fail(err)
		return func() (int, error) { return unix.Read(watch, make([]byte, 4096)) },
			func() error { return unix.Mknod(filepath.Join(dir, "new"), unix.S_IFREG|0o600, 0) }
	}},
}

func fifoWait(mode int) wait {
	return wait{"open of a fifo, mode " + strconv.Itoa(mode), func(m *maker) (call, act) {
		fifo := filepath.Join(m.folder(), "fifo")
		fail(unix.Mkfifo(fifo, 0o600))
		return func() (int, error) {
			fd, err := unix.Open(fifo, mode|unix.O_CLOEXEC, 0)
			if err == nil {
				err = unix.Close(fd)
			}
			return 0, err
		}, func() error { m.fd(unix.Open(fifo, unix.O_RDWR|unix.O_CLOEXEC, 0)); return nil }
	}}
}

// socketWaits are of pairs of Unix's sockets.
func socketWaits(kind int) []wait {
	name := func(call string) string {
		return call + " " + map[int]string{1: "stream", 2: "datagram", 5: "packets"}[kind]
	}
	return []wait{
		{name("recv"), func(m *maker) (call, act) {
			a, b := m.sockets(kind)
			return func() (int, error) { n, _, err := unix.Recvfrom(a, make([]byte, 8), 0); return n, err }, writeByte(b)
		}},
		{name("recvmsg"), func(m *maker) (call, act) {
			a, b := m.sockets(kind)
			return func() (int, error) {
				n, _, _, _, err := unix.Recvmsg(a, make([]byte, 8), make([]byte, 64), 0)
				return n, err
			}, writeByte(b)
		}},
		{name("recvmmsg"), func(m *maker) (call, act) {
			a, b := m.sockets(kind)
			return func() (int, error) {
				var messages [2]message
				return raw(unix.SYS_RECVMMSG, uintptr(a), addr(&messages), 2, unix.MSG_WAITFORONE)
			}, writeByte(b)
		}},
		{name("recv with a limit"), func(m *maker) (call, act) {
			a, b := m.sockets(kind)
			fail(unix.SetsockoptTimeval(a, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1000}))
			return func() (int, error) { n, _, err := unix.Recvfrom(a, make([]byte, 8), 0); return n, err }, writeByte(b)
		}},
		{name("send"), func(m *maker) (call, act) {
			a, b := m.sockets(kind)
			fail(unix.SetNonblock(a, true))
			fill(a, 4096)
			fail(unix.SetNonblock(a, false))
			drain := func() error {
				fail(unix.SetNonblock(b, true))
				for n := 1; n > 0; {
					n, _ = unix.Read(b, make([]byte, capacity))
				}
				return nil
			}
			return func() (int, error) { return unix.Write(a, make([]byte, 4096)) }, drain
		}},
	}
}

// message is what recvmmsg receives into: nothing but that it came.
type message struct {
	_ unix.Msghdr
	_ uint32 // its length
	_ uint32
}

// listener makes a socket that listens, and gives its name too.
func (m *maker) listener() (int, *unix.SockaddrUnix) {
	fd, name := m.socket(), &unix.SockaddrUnix{Name: filepath.Join(m.folder(), "s")}
	fail(unix.Bind(fd, name))
	fail(unix.Listen(fd, 0))
	return fd, name
}

func (m *maker) socket() int {
	return m.fd(unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
}

var acceptWaits = []wait{
	{"accept", func(m *maker) (call, act) {
		listening, name := m.listener()
		return func() (int, error) {
			fd, _, err := unix.Accept4(listening, unix.SOCK_CLOEXEC)
			if err == nil {
				err = unix.Close(fd)
			}
			return 0, err
		}, func() error { return unix.Connect(m.socket(), name) }
	}},
	{"connect", func(m *maker) (call, act) {
		listening, name := m.listener()
		fail(unix.Connect(m.socket(), name)) // no more than one has room
		second := m.socket()
		return func() (int, error) { return 0, unix.Connect(second, name) },
			func() error { fd, _, err := unix.Accept4(listening, unix.SOCK_CLOEXEC); m.fd(fd, err); return nil }
	}},
}

var (
	long = unix.Timespec{Sec: 1000}
	soon = unix.Timespec{Nsec: 300_000_000}
)

var pollWaits = []wait{
	{"ppoll", func(m *maker) (call, act) {
		r, w := m.pipe()
		return func() (int, error) {
			limit := long
			return unix.Ppoll([]unix.PollFd{{Fd: int32(r), Events: unix.POLLIN}}, &limit, nil)
		}, writeByte(w)
	}},
	{"pselect", func(m *maker) (call, act) {
		r, w := m.pipe()
		return func() (int, error) {
			var set unix.FdSet
			set.Set(r)
			return unix.Pselect(r+1, &set, nil, nil, nil, nil)
		}, writeByte(w)
	}},
	{"epoll_wait", func(m *maker) (call, act) {
		r, w := m.pipe()
		epoll := m.fd(unix.EpollCreate1(unix.EPOLL_CLOEXEC))
		fail(unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, r, &unix.EpollEvent{Events: unix.EPOLLIN}))
		return func() (int, error) { return unix.EpollWait(epoll, make([]unix.EpollEvent, 4), -1) }, writeByte(w)
	}},
	{"epoll_pwait2", func(m *maker) (call, act) {
		r, w := m.pipe()
		epoll := m.fd(unix.EpollCreate1(unix.EPOLL_CLOEXEC))
		fail(unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, r, &unix.EpollEvent{Events: unix.EPOLLIN}))
		return func() (int, error) {
			var events [4]unix.EpollEvent
			return raw(unix.SYS_EPOLL_PWAIT2, uintptr(epoll), addr(&events), 4, addr(&long))
		}, writeByte(w)
	}},
}

// file is one that is open twice.
func (m *maker) file() (a, b int) {
	name := filepath.Join(m.folder(), "f")
	a = m.fd(unix.Open(name, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600))
	return a, m.fd(unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC, 0))
}

var lockWaits = []wait{
	{"flock", func(m *maker) (call, act) {
		a, b := m.file()
		fail(unix.Flock(a, unix.LOCK_EX))
		return func() (int, error) { return 0, unix.Flock(b, unix.LOCK_EX) }, func() error { return unix.Flock(a, unix.LOCK_UN) }
	}},
	{"F_OFD_SETLKW", func(m *maker) (call, act) {
		a, b := m.file()
		lock, free := unix.Flock_t{Type: unix.F_WRLCK, Len: 10}, unix.Flock_t{Type: unix.F_UNLCK, Len: 10}
		fail(unix.FcntlFlock(uintptr(a), unix.F_OFD_SETLK, &lock))
		return func() (int, error) { return 0, unix.FcntlFlock(uintptr(b), unix.F_OFD_SETLKW, &lock) },
			func() error { return unix.FcntlFlock(uintptr(a), unix.F_OFD_SETLK, &free) }
	}},
}

// alone makes a wait of a call that nothing is needed for.
func alone(name string, c call) wait {
	return wait{name, func(*maker) (call, act) { return c, nil }}
}

var timeWaits = []wait{
	alone("nanosleep", func() (int, error) { return 0, unix.Nanosleep(&long, nil) }),
	alone("clock_nanosleep", func() (int, error) { return 0, unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &long, nil) }),
	alone("clock_nanosleep until", func() (int, error) {
		var until unix.Timespec
		fail(unix.ClockGettime(unix.CLOCK_MONOTONIC, &until))
		until.Sec += 1000
		return 0, unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &until, nil)
	}),
	{"futex", func(*maker) (call, act) {
		word := new(uint32)
		return func() (int, error) { return raw(unix.SYS_FUTEX, addr(word), 0x80, 0, 0) },
			func() error { // it may be in the handler just now, and wait again soon
				for {
					n, err := raw(unix.SYS_FUTEX, addr(word), 0x81, 1)
					if n != 0 || err != nil {
						return err
					}
					time.Sleep(time.Millisecond)
				}
			}
	}},
	alone("futex with a limit", func() (int, error) { return raw(unix.SYS_FUTEX, addr(new(uint32)), 0x80, 0, addr(&soon)) }),
	alone("rt_sigsuspend", func() (int, error) { return raw(unix.SYS_RT_SIGSUSPEND, addr(new(uint64)), 8) }),
	alone("rt_sigtimedwait", func() (int, error) {
		others := uint64(1) << (unix.SIGUSR2 - 1)
		return raw(unix.SYS_RT_SIGTIMEDWAIT, addr(&others), 0, addr(&long), 8)
	}),
}

var processWaits = []wait{
	{"wait4", func(m *maker) (call, act) {
		pid, kill := m.child()
		return func() (int, error) { n, err := unix.Wait4(pid, nil, 0, nil); return min(n, 1), err }, kill
	}},
	{"waitid", func(m *maker) (call, act) {
		pid, kill := m.child()
		return func() (int, error) { return 0, unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED, nil) }, kill
	}},
}

// child is a process that waits to be killed, and what does that.
func (m *maker) child() (pid int, kill func() error) {
	c := exec.Command("/proc/self/exe", "idle")
	fail(c.Start())
	m.pid = c.Process.Pid
	return m.pid, func() error { return unix.Kill(m.pid, unix.SIGKILL) }
}
