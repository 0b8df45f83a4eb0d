// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"strings"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/tmpfs"
)

// pipe makes a pipe and gives its descriptors.
func (w *world) pipe(flags uint64) (r, wr uint64) {
	w.t.Helper()
	w.want(0, lx.SysPipe2, w.put(100, ""), flags)
	b := w.k.memory[100:]
	return uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[4:]))
}

// waits makes a call that waits, and gives its token.
func (w *world) waits(nr int, args ...uint64) (token uint64) {
	w.t.Helper()
	if r, now := w.begin(nr, args...); now {
		w.t.Fatalf("%s doesn't wait: %d", abi.Name(abi.HostArch, uint64(nr)), int64(r))
	}
	return w.token
}

// answered checks the answer of a call that has waited.
func (w *world) answered(token uint64, want any) {
	w.t.Helper()
	r, ok := w.k.replies[token]
	switch v := want.(type) {
	case nil:
		if ok {
			w.t.Fatalf("answered: %d", int64(r.result))
		}
	case int:
		if !ok || r.interrupted || r.result != uint64(v) {
			w.t.Fatalf("%+v, %v; want %d", r, ok, v)
		}
	case abi.Errno:
		if !ok || r.interrupted || r.result != v.Result() {
			w.t.Fatalf("%+v, %v; want %s", r, ok, v.Name())
		}
	case reply:
		if r != v {
			w.t.Fatalf("%+v, want %+v", r, v)
		}
	}
}

const (
	bufferAt = fakeBase + 0x1000
	farAt    = fakeBase + 0x40000
)

// TestReadWaits: a reader waits for bytes, or for the last writer's end.
func TestReadWaits(t *testing.T) {
	w := newWorld(t)
	r, wr := w.pipe(0)
	a := w.waits(lx.SysRead, r, bufferAt, 10)
	b := w.waits(lx.SysRead, r, farAt, 10)
	w.want(3, lx.SysWrite, wr, w.put(0, "abc"), 3)
	w.answered(a, 3)
	w.answered(b, nil)
	if got := string(w.k.memory[0x1000:0x1003]); got != "abc" {
		t.Fatal(got)
	}
	w.want(0, lx.SysClose, wr)
	w.answered(b, 0)
	w.want(0, lx.SysRead, r, bufferAt, 10)
	if w.Server.waits.n != 0 {
		t.Fatal("calls are left")
	}
}

// TestWriteWaits: a writer waits until all of it is written, and what it has written counts when a
// signal comes.
func TestWriteWaits(t *testing.T) {
	w := newWorld(t)
	r, wr := w.pipe(0)
	for i := range 200_000 {
		w.k.memory[0x40000+i] = byte(i % 251)
	}
	a := w.waits(lx.SysWrite, wr, farAt, 200_000)
	got := 0
	for got < 200_000 {
		if got < 100_000 { // what is left doesn't fit
			w.answered(a, nil)
		}
		n := w.call(lx.SysRead, r, bufferAt, 10_000)
		for _, c := range w.k.memory[0x1000 : 0x1000+n] {
			if c != byte(got%251) {
				t.Fatalf("byte %d is %d", got, c)
			}
			got++
		}
	}
	w.answered(a, 200_000)
	a = w.waits(lx.SysWrite, wr, farAt, 100_000)
	w.Cancel(a)
	w.answered(a, 65536)
	b := w.waits(lx.SysWrite, wr, farAt, 10)
	w.Cancel(b)
	w.answered(b, reply{abi.EINTR.Result(), true})
	c := w.waits(lx.SysWrite, wr, farAt, 10)
	w.want(0, lx.SysClose, r)
	w.answered(c, abi.EPIPE)
	w.want(abi.EPIPE, lx.SysWrite, wr, farAt, 10)
}

// TestCloseWhileWaiting: a descriptor that is closed, and given to another file, stays the file that
// it was to who waits.
func TestCloseWhileWaiting(t *testing.T) {
	w := newWorld(t)
	r, wr := w.pipe(0)
	a := w.waits(lx.SysRead, r, bufferAt, 10)
	w.want(0, lx.SysClose, r)
	w.want(int(r), lx.SysEventfd2, 7, 0)
	w.want(2, lx.SysWrite, wr, w.put(0, "hi"), 2)
	w.answered(a, 2)
	w.want(abi.EPIPE, lx.SysWrite, wr, w.put(0, "hi"), 2) // now nobody reads
	w.want(8, lx.SysRead, r, bufferAt, 8)
}

// TestTimeouts: what waits for a time ends then, and the alarm is set to the first.
func TestTimeouts(t *testing.T) {
	w := newWorld(t)
	ep := w.call(lx.SysEpollCreate1, 0)
	r, wr := w.pipe(0)
	binary.LittleEndian.PutUint32(w.k.memory[0:], abi.EPOLLIN)
	w.want(0, lx.SysEpollCtl, ep, abi.EPOLL_CTL_ADD, r, fakeBase)
	a := w.waits(lx.SysEpollPwait, ep, bufferAt, 8, 20, 0, 8)
	b := w.waits(lx.SysEpollPwait, ep, bufferAt, 8, 10, 0, 8)
	c := w.waits(lx.SysEpollPwait, ep, bufferAt, 8, ^uint64(0), 0, 8)
	if want := w.k.now + 10_000_000; w.k.alarm != want {
		t.Fatalf("alarm at %d, want %d", w.k.alarm, want)
	}
	w.k.now += 9_999_999
	w.Tick()
	w.answered(b, nil)
	w.k.now++
	w.Tick()
	w.answered(b, 0)
	w.answered(a, nil)
	if want := w.k.now + 10_000_000; w.k.alarm != want {
		t.Fatalf("alarm at %d, want %d", w.k.alarm, want)
	}
	w.Cancel(c)
	w.answered(c, abi.EINTR)
	w.want(1, lx.SysWrite, wr, fakeBase, 1)
	w.answered(a, 1)
	if len(w.timers) != 0 || w.Server.waits.n != 0 {
		t.Fatal("something is left")
	}
	w.want(0, lx.SysPpoll, fakeBase, 0, w.put(0, strings.Repeat("\x00", 16)))
	w.want(1, lx.SysEpollPwait, ep, bufferAt, 8, 0, 0, 8)
}

// TestInterrupted: a call to whose caller a signal has come takes what is there and doesn't wait, whatever time it has.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	ep := w.call(lx.SysEpollCreate1, 0)
	r, wr := w.pipe(0)
	binary.LittleEndian.PutUint32(w.k.memory[0:], abi.EPOLLIN)
	w.want(0, lx.SysEpollCtl, ep, abi.EPOLL_CTL_ADD, r, fakeBase)
	interrupted := func(nr int, args ...uint64) {
		t.Helper()
		w.interrupted = true
		token := w.waits(nr, args...)
		w.interrupted = false
		w.answered(token, abi.EINTR)
	}
	abi.PollFD{FD: int32(r), Events: abi.EPOLLIN}.Put(w.k.memory[100:])
	abi.TimespecOf(1).Put(w.k.memory[200:])
	const soon = fakeBase + 200
	interrupted(lx.SysEpollPwait, ep, bufferAt, 8, 1, 0, 8)
	interrupted(lx.SysEpollPwait, ep, bufferAt, 8, ^uint64(0), 0, 8)
	interrupted(lx.SysEpollPwait2, ep, bufferAt, 8, soon, 0, 8)
	interrupted(lx.SysPpoll, fakeBase+100, 1, soon, 0, 8)
	w.interrupted = true
	w.want(0, lx.SysEpollPwait, ep, bufferAt, 8, 0, 0, 8)
	w.want(1, lx.SysWrite, wr, fakeBase, 1)
	w.want(1, lx.SysEpollPwait, ep, bufferAt, 8, 1, 0, 8)
	w.want(1, lx.SysPpoll, fakeBase+100, 1, soon, 0, 8)
	if len(w.timers) != 0 || w.Server.waits.n != 0 {
		t.Fatal("something is left")
	}
}

// TestPollWaits: poll waits for any of its files, select for those of its sets.
func TestPollWaits(t *testing.T) {
	w := newWorld(t)
	r, wr := w.pipe(0)
	e := w.call(lx.SysEventfd2, 0, 0)
	fds := func() {
		abi.PollFD{FD: int32(r), Events: abi.EPOLLIN}.Put(w.k.memory[0:])
		abi.PollFD{FD: int32(e), Events: abi.EPOLLIN}.Put(w.k.memory[8:])
		abi.PollFD{FD: -1, Events: abi.EPOLLIN}.Put(w.k.memory[16:])
	}
	fds()
	a := w.waits(lx.SysPpoll, fakeBase, 3, 0, 0, 8)
	binary.LittleEndian.PutUint64(w.k.memory[0x2000:], 5)
	w.want(8, lx.SysWrite, e, fakeBase+0x2000, 8)
	w.answered(a, 1)
	if p := abi.GetPollFD(w.k.memory[8:]); p.Revents != abi.EPOLLIN {
		t.Fatalf("%+v", p)
	}
	sets := func(in, out uint64) {
		binary.LittleEndian.PutUint64(w.k.memory[0x3000:], in)
		binary.LittleEndian.PutUint64(w.k.memory[0x3008:], out)
	}
	sets(1<<r, 0)
	b := w.waits(lx.SysPselect6, 16, fakeBase+0x3000, fakeBase+0x3008, 0, 0, 0)
	w.want(0, lx.SysClose, wr)
	w.answered(b, 1)
	if got := binary.LittleEndian.Uint64(w.k.memory[0x3000:]); got != 1<<r {
		t.Fatalf("%#x", got)
	}
	sets(1<<30, 0)
	w.want(abi.EBADF, lx.SysPselect6, 64, fakeBase+0x3000, fakeBase+0x3008, 0, 0, 0)
}

// TestStreams: standard streams are those of the sandbox.
func TestStreams(t *testing.T) {
	w := newWorld(t)
	a := w.waits(lx.SysRead, 0, bufferAt, 100)
	l := w.Locker()
	l.Lock()
	w.stream[0].in = []byte("typed")
	w.stream[0].queue.Tell(abi.EPOLLIN)
	l.Unlock()
	w.answered(a, 5)
	w.stream[1].room = 3
	b := w.waits(lx.SysWrite, 1, w.put(0, "hello"), 5)
	l.Lock()
	w.stream[1].room = 100
	w.stream[1].queue.Tell(abi.EPOLLOUT)
	l.Unlock()
	w.answered(b, 5)
	if got := string(w.stream[1].out); got != "hello" {
		t.Fatal(got)
	}
	w.want(abi.EBADF, lx.SysWrite, 0, fakeBase, 1)
	w.want(abi.EBADF, lx.SysRead, 2, fakeBase, 1)
	w.stream[0].ended = true
	w.want(0, lx.SysRead, 0, bufferAt, 100)
	fd := w.call(lx.SysOpenat, here, w.put(0, "/dev/stdout\x00"), abi.O_WRONLY)
	w.want(1, lx.SysWrite, fd, w.put(0, "!"), 1)
	if got := string(w.stream[1].out); got != "hello!" {
		t.Fatal(got)
	}
}

// TestEnded: a process that ends leaves nothing, and others learn of it by what it had open.
func TestEnded(t *testing.T) {
	w := newWorld(t)
	r, _ := w.pipe(0)
	used := w.root.Root
	w.want(int(r)+2, lx.SysOpenat, here, w.put(0, "/tmp/file\x00"), abi.O_CREAT|abi.O_RDWR, 0o600)
	a := w.waits(lx.SysRead, r, bufferAt, 1)
	w.waits(lx.SysEpollPwait, w.call(lx.SysEpollCreate1, 0), bufferAt, 1, 1000, 0, 8)
	w.Ended(w.badge)
	if w.Server.waits.n != 0 || len(w.timers) != 0 || len(w.processes) != 0 || used != w.root.Root {
		t.Fatal("something is left")
	}
	w.answered(a, nil)
	w.want(abi.ESRCH, lx.SysRead, r, bufferAt, 1)
	w.Ended(w.badge)
}

// TestUnknown: what isn't known is counted.
func TestUnknown(t *testing.T) {
	const unknownNumber = 450 // set_mempolicy_home_node
	w := newWorld(t)
	var told []string
	w.say = func(text string) { told = append(told, text) }
	for _, nr := range []int{unknownNumber, unknownNumber, 440, lx.None, 1 << 40, 900} {
		w.want(abi.ENOSYS, nr)
	}
	u := w.Unknown()
	if u[unknownNumber] != 2 || u[1<<40] != 1 || len(u) != 5 || w.Calls() != 6 {
		t.Fatal(u, w.Calls())
	}
	if len(told) != 5 || told[0] != "unknown call set_mempolicy_home_node" || told[4] != "unknown call 900" {
		t.Fatalf("%q", told)
	}
}

// TestProc reads what a program may look for.
func TestProc(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{
		"/proc/self/comm": "test\n", "/proc/42/cmdline": "/boot/program\x00", "/proc/self/exe": "\x7fELF",
		"/proc/self/cwd/proc/version": "Linux version", "/proc/uptime": "1.00 ", "/proc/meminfo": "MemTotal:        1048576 kB\n",
		"/proc/mounts": "tmpfs / tmpfs rw", "/proc/cpuinfo": "processor\t: 0\n", "/proc/thread-self/stat": "42 (test) R",
		"/dev/zero": "\x00\x00\x00", "/proc/net/if_inet6": "00000000000000000000000000000001 01 80 10 80       lo\n",
		"/proc/net/igmp":             "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\t\t0\n",
		"/proc/self/net/igmp6":       "1    lo              ff020000000000000000000000000001     1 0000000C 0\n1    lo              ff010000000000000000000000000001     1 00000008 0\n",
		"/proc/sys/kernel/osrelease": "5.10",
	} {
		fd := w.call(lx.SysOpenat, here, w.put(0, path+"\x00"), 0)
		if e, bad := abi.Failed(fd); bad {
			t.Errorf("%s: %s", path, e.Name())
			continue
		}
		n := w.call(lx.SysRead, fd, bufferAt, 1000)
		if got := string(w.k.memory[0x1000 : 0x1000+min(n, 1000)]); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", path, got)
		}
		w.want(0, lx.SysClose, fd)
	}
	for path, want := range map[string]string{"/proc/self": "42", "/proc/self/exe": "/boot/program", "/proc/self/fd/1": "pipe:[2]",
		"/dev/fd": "/proc/self/fd", "/proc/self/cwd": "/"} {
		n := w.call(lx.SysReadlinkat, here, w.put(0, path+"\x00"), bufferAt, 100)
		if got := string(w.k.memory[0x1000 : 0x1000+min(n, 100)]); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	w.want(abi.ENOSPC, lx.SysWrite, w.call(lx.SysOpenat, here, w.put(0, "/dev/full\x00"), abi.O_WRONLY), fakeBase, 1)
	w.want(abi.EROFS, lx.SysUnlinkat, here, w.put(0, "/boot/program\x00"))
	w.want(abi.EPERM, lx.SysMkdirat, here, w.put(0, "/proc/x\x00"), 0o755)
}

// TestManyFiles opens more than a few, and meets the limit.
func TestManyFiles(t *testing.T) {
	w := newWorld(t)
	path := w.put(0, "/tmp/f\x00")
	for i := 3; i < softFiles; i++ {
		w.want(i, lx.SysOpenat, here, path, abi.O_CREAT|abi.O_RDWR, 0o600)
	}
	w.want(abi.EMFILE, lx.SysOpenat, here, path, abi.O_RDWR)
	w.want(abi.EMFILE, lx.SysEventfd2, 0, 0)
	w.want(0, lx.SysClose, 500)
	w.want(abi.EMFILE, lx.SysPipe2, bufferAt, 0) // one is free
	w.want(500, lx.SysDup, 3)
}

// TestPollMany asks for more files at once than the kernel moves of memory.
func TestPollMany(t *testing.T) {
	const many = 10_000
	w := newWorld(t)
	w.processes[w.badge].table.Limit = MaxFiles
	r, wr := w.pipe(0)
	w.want(1, lx.SysWrite, wr, w.put(0, "x"), 1)
	for i := range many {
		binary.LittleEndian.PutUint64(w.k.memory[0x1000+8*i:], r|abi.EPOLLIN<<32)
	}
	w.want(many, lx.SysPpoll, bufferAt, many, 0, 0)
	if last := w.k.memory[0x1000+8*(many-1):]; binary.LittleEndian.Uint16(last[6:]) != abi.EPOLLIN {
		t.Errorf("of the last is said %x", last[:8])
	}
	w.want(abi.EFAULT, lx.SysPpoll, fakeBase+uint64(len(w.k.memory))-70_000, many, 0, 0)
}

// TestCancelLimited: a signal ends a call on a socket that has a limit of time for good.
func TestCancelLimited(t *testing.T) {
	w := newWorld(t)
	const unix, stream, level, receiveLimit = 1, 1, 1, 20
	w.want(0, lx.SysSocketpair, unix, stream, 0, w.put(100, ""))
	a := uint64(binary.LittleEndian.Uint32(w.k.memory[100:]))
	token := w.waits(lx.SysRead, a, bufferAt, 10)
	w.Cancel(token)
	w.answered(token, reply{abi.EINTR.Result(), true})
	w.want(0, lx.SysSetsockopt, a, level, receiveLimit, w.put(200, "\x64\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 16)
	token = w.waits(lx.SysRead, a, bufferAt, 10)
	w.Cancel(token)
	w.answered(token, abi.EINTR)
}

// TestNoSpace fills the file system; all of it is there again when its files are gone.
func TestNoSpace(t *testing.T) {
	w := newWorld(t)
	fd := w.call(lx.SysOpenat, here, w.put(0, "/tmp/large\x00"), abi.O_CREAT|abi.O_RDWR, 0o600)
	total := uint64(0)
	for {
		r := w.call(lx.SysWrite, fd, farAt, 700_000)
		if e, bad := abi.Failed(r); bad {
			if e != abi.ENOSPC {
				t.Fatal(e.Name())
			}
			break
		}
		total += r
	}
	if total < 60<<20 || total > 64<<20 {
		t.Fatalf("%d bytes", total)
	}
	w.want(abi.ENOSPC, lx.SysWrite, fd, farAt, 70_000)
	w.want(0, lx.SysUnlinkat, here, w.put(0, "/tmp/large\x00"))
	w.want(abi.ENOSPC, lx.SysWrite, fd, farAt, 70_000) // it is open
	w.want(0, lx.SysClose, fd)
	fd = w.call(lx.SysOpenat, here, w.put(0, "/tmp/large\x00"), abi.O_CREAT|abi.O_RDWR, 0o600)
	w.want(700_000, lx.SysWrite, fd, farAt, 700_000)
	w.want(0, lx.SysFtruncate, fd, 1<<40)
	w.want(1, lx.SysPwrite64, fd, farAt, 1, 1<<50)
	w.want(1<<50, lx.SysLseek, fd, 1<<41, lx.SeekData)
	w.want(0, lx.SysFtruncate, fd, 0)
}

// TestRootMount: a file system that is the root has ours in it, whatever it has itself.
func TestRootMount(t *testing.T) {
	w := newWorld(t)
	fs := tmpfs.New(1<<20, 99, func() abi.Timespec { return abi.Timespec{Sec: 1} })
	if e := w.Mount("/", fs.Root(), "mine", "tmpfs", false); e != 0 {
		t.Fatal(e)
	}
	if e := w.Mount("/a/b", tmpfs.New(1<<20, 98, fs.Now).Root(), "below", "tmpfs", true); e != 0 {
		t.Fatal(e)
	}
	w.badge = w.Adopt(43, "other", "/boot/program", "/")
	w.want(3, lx.SysOpenat, here, w.put(0, "/dev/null\x00"), abi.O_RDWR)
	for path, want := range map[string]string{"/proc/self": "/proc/43", "/proc/..": "/", "/tmp/../a/b": "/a/b", "/a/b/..": "/a", "/tmp": "/tmp"} {
		w.want(0, lx.SysChdir, w.put(0, path+"\x00"))
		n := w.call(lx.SysGetcwd, bufferAt, 100)
		if got := string(w.k.memory[0x1000 : 0x1000+n-1]); got != want {
			t.Errorf("%s is %s", path, got)
		}
	}
	w.want(abi.EROFS, lx.SysMkdirat, here, w.put(0, "/a/b/c\x00"), 0o755)
	w.want(abi.EXDEV, lx.SysRenameat2, here, w.put(0, "/a\x00"), here, w.put(100, "/tmp/a\x00"), 0)
	w.want(abi.EBUSY, lx.SysUnlinkat, here, w.put(0, "/a/b\x00"), abi.AT_REMOVEDIR)
}

// TestFlockWaits: who wants a lock waits for its end, which the last close is.
func TestFlockWaits(t *testing.T) {
	w := newWorld(t)
	path := w.put(0, "/tmp/f\x00")
	a := w.call(lx.SysOpenat, here, path, abi.O_CREAT|abi.O_RDWR, 0o600)
	b := w.call(lx.SysOpenat, here, path, abi.O_RDWR)
	w.want(0, lx.SysFlock, a, lockExclusive)
	w.want(abi.EAGAIN, lx.SysFlock, b, lockShared|lockNonblock)
	waits := w.waits(lx.SysFlock, b, lockShared)
	w.want(0, lx.SysClose, a)
	w.answered(waits, 0)
	c := w.call(lx.SysOpenat, here, path, abi.O_RDWR)
	w.want(0, lx.SysFlock, c, lockShared)
	waits = w.waits(lx.SysFlock, c, lockExclusive)
	w.Cancel(waits)
	w.answered(waits, reply{abi.EINTR.Result(), true})
	w.want(0, lx.SysFlock, b, lockNone)
	w.want(0, lx.SysFlock, c, lockExclusive)
	w.want(0, lx.SysClose, c)
	if len(w.locks) != 0 {
		t.Fatal("a lock is left")
	}
}

// TestCancelFirst: a signal that is told of before its call has come to waiting ends it all the same, and no other.
func TestCancelFirst(t *testing.T) {
	w := newWorld(t)
	r, wr := w.pipe(0)
	w.Cancel(w.token + 1)
	w.answered(w.waits(lx.SysRead, r, bufferAt, 10), reply{abi.EINTR.Result(), true})
	w.Cancel(w.token + 1)
	w.want(5, lx.SysWrite, wr, w.put(200, "hello"), 5) // it doesn't wait
	w.want(5, lx.SysRead, r, bufferAt, 10)
	w.answered(w.waits(lx.SysRead, r, bufferAt, 10), nil)
}
