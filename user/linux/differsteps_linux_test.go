// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"

	"loam/abi"
	"loam/user/linux/lx"
)

var names = []string{"a", "b", "c", "dir", "link", "x"}

// name gives a name, mostly one of a few.
func (d *differ) name() string {
	switch k := d.r.IntN(40); {
	case k == 0:
		return "."
	case k < 4 && d.free:
		return ".."
	case k == 4:
		return strings.Repeat("n", 255)
	case k == 5:
		return strings.Repeat("n", 256)
	}
	return names[d.r.IntN(len(names))]
}

// path gives a path.
func (d *differ) path() string {
	var b strings.Builder
	if d.free && d.r.IntN(5) == 0 {
		b.WriteString("/")
	}
	n := []int{1, 1, 1, 2, 2, 3}[d.r.IntN(6)]
	for i := range n {
		if i > 0 {
			b.WriteString(strings.Repeat("/", 1+d.r.IntN(8)/7))
		}
		b.WriteString(d.name())
	}
	switch d.r.IntN(60) {
	case 0:
		return ""
	case 1:
		if d.free {
			return "/"
		}
	case 2:
		return strings.Repeat("a/", 2100)
	case 3, 4, 5, 6, 7:
		b.WriteString("/")
	}
	return b.String()
}

func (d *differ) setPath(at int) { d.both(at, d.path()+"\x00") }

// at gives a descriptor of a directory, mostly the working one.
func (d *differ) at() arg {
	if d.r.IntN(4) > 0 || d.folder { // whose directories are paths, also where they are open
		return num(here)
	}
	return slot(uint64(d.r.IntN(slots)))
}

func (d *differ) slot() arg { return slot(uint64(d.r.IntN(slots))) }

// flags gives some of those.
func (d *differ) flags(all ...uint64) (v uint64) {
	for _, f := range all {
		if d.r.IntN(4) == 0 {
			v |= f
		}
	}
	return v
}

var modes = []uint64{0o755, 0o777, 0o700, 0o644, 0o600, 0o4755, 0o1777, 0o2775}

// step makes a call of chance, and reports whether it was the same.
func (d *differ) step() bool {
	copy(d.host.memory, d.ours.memory)
	d.setPath(pathAt)
	d.setPath(pathAt2)
	f := d.steps[d.r.IntN(len(d.steps))]
	return f(d)
}

// plain gives a step that has no more to compare than the result.
func plain(nr int, args func(d *differ) []arg) func(*differ) bool {
	return func(d *differ) bool {
		_, _, ok := d.same(nr, args(d)...)
		return ok
	}
}

var differSteps = []func(*differ) bool{
	plain(lx.SysMkdirat, func(d *differ) []arg { return []arg{d.at(), mem(pathAt), num(modes[d.r.IntN(4)])} }),
	plain(lx.SysMkdirat, func(d *differ) []arg { return []arg{d.at(), mem(pathAt), num(0o755)} }),
	plain(lx.SysUnlinkat, func(d *differ) []arg {
		return []arg{d.at(), mem(pathAt), num(uint64(d.r.IntN(2)) * abi.AT_REMOVEDIR)}
	}),
	plain(lx.SysSymlinkat, func(d *differ) []arg { return []arg{mem(pathAt), d.at(), mem(pathAt2)} }),
	plain(lx.SysLinkat, func(d *differ) []arg {
		return []arg{d.at(), mem(pathAt), d.at(), mem(pathAt2), num(d.flags(lx.FollowLink))}
	}),
	plain(lx.SysRenameat2, func(d *differ) []arg {
		exchange := uint64(lx.Exchange)
		if d.folder {
			exchange = 0
		}
		return []arg{d.at(), mem(pathAt), d.at(), mem(pathAt2), num(d.flags(lx.NoReplace, exchange))}
	}),
	plain(lx.SysRenameat2, func(d *differ) []arg {
		return []arg{d.at(), mem(pathAt), d.at(), mem(pathAt2), num(0)}
	}),
	plain(lx.SysMknodat, func(d *differ) []arg {
		kinds := []uint64{0, abi.S_IFREG, abi.S_IFREG, abi.S_IFSOCK, abi.S_IFIFO}
		if d.folder { // which has no sockets
			kinds = kinds[:3]
		}
		return []arg{d.at(), mem(pathAt), num(0o644 | kinds[d.r.IntN(len(kinds))]), num(0)}
	}),
	plain(lx.SysFchmodat, func(d *differ) []arg {
		return []arg{d.at(), mem(pathAt), num(modes[d.r.IntN(len(modes))] | 0o700)}
	}),
	plain(lx.SysFaccessat, func(d *differ) []arg { return []arg{d.at(), mem(pathAt), num(uint64(d.r.IntN(9)))} }),
	plain(lx.SysTruncate, func(d *differ) []arg { return []arg{mem(pathAt), num(uint64(d.r.IntN(200_000)) - 5)} }),
	plain(lx.SysFtruncate, func(d *differ) []arg { return []arg{d.slot(), num(uint64(d.r.IntN(200_000)) - 5)} }),
	stepAllocate, stepAllocate,
	plain(lx.SysLseek, func(d *differ) []arg {
		return []arg{d.slot(), num(uint64(d.r.IntN(200_000)) - 1000), num(uint64(d.r.IntN(3)))}
	}),
	plain(lx.SysChdir, func(d *differ) []arg {
		if d.folder {
			d.both(pathAt, ".\x00")
		}
		return []arg{mem(pathAt)}
	}),
	plain(lx.SysFchdir, func(d *differ) []arg {
		if d.folder {
			return []arg{slot(0)}
		}
		return []arg{slot(uint64(d.r.IntN(3)))}
	}),
	plain(lx.SysFsync, func(d *differ) []arg { return []arg{d.slot()} }),
	plain(lx.SysFcntl, func(d *differ) []arg {
		return []arg{d.slot(), num(abi.F_SETFL), num(abi.O_NONBLOCK | d.flags(abi.O_APPEND))}
	}),
	plain(lx.SysFcntl, func(d *differ) []arg { return []arg{d.slot(), num(abi.F_GETFL)} }),
	plain(lx.SysFcntl, func(d *differ) []arg { return []arg{d.slot(), num(abi.F_GETFD)} }),
	plain(lx.SysFcntl, func(d *differ) []arg { return []arg{d.slot(), num(abi.F_SETFD), num(uint64(d.r.IntN(2)))} }),
	plain(lx.SysUtimensat, func(d *differ) []arg { return []arg{d.at(), mem(pathAt), num(0), num(0)} }),
	stepOpen, stepOpen, stepOpen, stepOpen, stepOpen, stepStat, stepStat, stepFstat, stepReadlink, stepGetcwd, stepList, stepList,
	stepRead, stepRead, stepRead, stepWrite, stepWrite, stepWrite, stepPread, stepPwrite, stepDup, stepClose, stepClose,
	stepPipe, stepEventfd, stepEpoll, stepEpollCtl, stepEpollCtl, stepEpollCtl, stepEpollWait, stepEpollWait, stepPoll,
	stepVector, stepIoctl, stepCopy, stepCopy, stepSendfile, stepDup3, stepTemporary, stepStatx, stepOld, stepOld, stepOld, stepSelect,
	stepUmask,
	stepFlock,
	plain(lx.SysFadvise64, func(d *differ) []arg { return []arg{d.slot(), num(0), num(0), num(0)} }),
	plain(lx.SysFchmod, func(d *differ) []arg { return []arg{d.slot(), num(modes[d.r.IntN(len(modes))] | 0o700)} }),
	plain(lx.SysFchmodat2, func(d *differ) []arg {
		return []arg{d.at(), mem(pathAt), num(modes[d.r.IntN(len(modes))] | 0o700), num(d.flags(abi.AT_SYMLINK_NOFOLLOW, 1<<20))}
	}),
	plain(lx.SysFaccessat2, func(d *differ) []arg {
		return []arg{d.at(), mem(pathAt), num(uint64(d.r.IntN(9))), num(d.flags(abi.AT_SYMLINK_NOFOLLOW, abi.AT_EMPTY_PATH, lx.AccessEff, 1<<20))}
	}),
	plain(lx.SysFchownat, func(d *differ) []arg {
		return []arg{d.at(), mem(pathAt), num(d.owner()), num(d.owner()), num(d.flags(abi.AT_SYMLINK_NOFOLLOW, abi.AT_EMPTY_PATH))}
	}),
	plain(lx.SysFchown, func(d *differ) []arg { return []arg{d.slot(), num(d.owner()), num(d.owner())} }),
	plain(lx.SysUtimensat, func(d *differ) []arg {
		for i := range 4 {
			v := []uint64{0, 5, 1e9 - 1, 1e9, lx.UtimeNow, lx.UtimeOmit}[d.r.IntN(6)]
			for _, s := range []*side{&d.ours, &d.host} {
				binary.LittleEndian.PutUint64(s.memory[dataAt+8*i:], v)
			}
		}
		return []arg{d.at(), mem(pathAt), mem(dataAt), num(d.flags(abi.AT_SYMLINK_NOFOLLOW))}
	}),
	plain(lx.SysCloseRange, func(d *differ) []arg {
		i := d.slot() // both ends are one descriptor, whose flag it sets
		return []arg{i, i, num(4)}
	}),
}

func stepAllocate(d *differ) bool {
	if d.folder {
		return true
	}
	mode := num([]uint64{0, lx.KeepSize, lx.KeepSize | lx.PunchHole}[d.r.IntN(3)])
	_, _, ok := d.same(lx.SysFallocate, d.slot(), mode, num(uint64(d.r.IntN(100_000))), num(uint64(d.r.IntN(100_000))))
	return ok
}

func stepOpen(d *differ) bool {
	flags := uint64(d.r.IntN(3)) | d.flags(abi.O_CREAT, abi.O_CREAT, abi.O_EXCL, abi.O_TRUNC, abi.O_APPEND, abi.O_DIRECTORY, abi.O_NOFOLLOW)
	if d.r.IntN(10) == 0 && !d.folder {
		flags |= abi.O_PATH
	}
	return d.open(1+d.r.IntN(slots-1), lx.SysOpenat, d.at(), mem(pathAt), num(flags|abi.O_NONBLOCK|d.flags(abi.O_CLOEXEC)), num(modes[d.r.IntN(5)]))
}

// stepFlock locks a file. Eventfds, epolls and the like have one inode on Linux, with those of all other
// programs: another run of this test may have locked it.
func stepFlock(d *differ) bool {
	i := d.slot()
	if k := d.kind[i.v]; k != 0 && k != 'r' && k != 's' {
		return true
	}
	_, _, ok := d.same(lx.SysFlock, i, num(uint64(d.r.IntN(10)|lockNonblock)))
	return ok
}

// plainStat leaves out of a struct stat what can't be the same.
func plainStat(b []byte) {
	le := binary.LittleEndian
	modeAt, linkAt, size := 24, 16, 48
	if abi.HostArch == abi.RISCV64 {
		modeAt, linkAt = 16, 20
	}
	mode := le.Uint32(b[modeAt:])
	n := le.Uint64(b[size:])
	link := le.Uint32(b[linkAt:])
	if mode&abi.S_IFMT == abi.S_IFDIR {
		n = 0
	}
	clear(b)
	le.PutUint32(b, mode)
	le.PutUint32(b[4:], link)
	le.PutUint64(b[8:], n)
}

func (d *differ) stat(nr int, args ...arg) bool {
	ours, _, ok := d.same(nr, args...)
	if !ok || ours != 0 {
		return ok
	}
	plainStat(d.ours.memory[dataAt : dataAt+abi.StatSize])
	plainStat(d.host.memory[dataAt : dataAt+abi.StatSize])
	return d.memorySame(dataAt, 16)
}

func stepStat(d *differ) bool {
	return d.stat(lx.SysNewfstatat, d.at(), mem(pathAt), mem(dataAt), num(d.flags(abi.AT_SYMLINK_NOFOLLOW, abi.AT_EMPTY_PATH)))
}

func stepFstat(d *differ) bool { return d.stat(lx.SysFstat, d.slot(), mem(dataAt)) }

func stepReadlink(d *differ) bool {
	_, _, ok := d.same(lx.SysReadlinkat, d.at(), mem(pathAt), mem(dataAt), num(uint64(d.r.IntN(300))))
	return ok && d.memorySame(dataAt, 300)
}

func stepGetcwd(d *differ) bool {
	if !d.free {
		return true
	}
	_, _, ok := d.same(lx.SysGetcwd, mem(dataAt), num(uint64(d.r.IntN(600))))
	return ok && d.memorySame(dataAt, 600)
}

// stepList lists a directory from its begin.
func stepList(d *differ) bool {
	i := 1 + d.r.IntN(slots-1)
	if d.r.IntN(2) == 0 {
		if !d.open(i, lx.SysOpenat, d.at(), mem(pathAt), num(abi.O_DIRECTORY), num(0)) {
			return false
		}
	}
	room := uint64(280 + d.r.IntN(400)) // for any entry
	a, errA := d.list(&d.ours, i, room)
	b, errB := d.list(&d.host, i, room)
	d.log = append(d.log, fmt.Sprintf("list slot%d by %d: %v %v; %v %v", i, room, a, errA, b, errB))
	return errA == errB && slices.Equal(a, b)
}

func (d *differ) list(s *side, i int, room uint64) (all []string, e string) {
	s.call(lx.SysLseek, []arg{slot(uint64(i)), num(0), num(0)})
	for {
		r := s.call(lx.SysGetdents64, []arg{slot(uint64(i)), mem(dataAt), num(room)})
		if _, bad := abi.Failed(r); bad || r == 0 {
			slices.Sort(all)
			s.call(lx.SysLseek, []arg{slot(uint64(i)), num(0), num(0)}) // positions are not the same
			return all, resultText(r)
		}
		for b := s.memory[dataAt : dataAt+r]; len(b) > 0; {
			n := binary.LittleEndian.Uint16(b[16:])
			name, _, _ := strings.Cut(string(b[19:n]), "\x00")
			all = append(all, fmt.Sprint(name, " ", b[18]))
			b = b[n:]
		}
	}
}

// data fills the data of both with the same bytes of chance.
func (d *differ) data() {
	for i := range dataLen {
		d.ours.memory[dataAt+i] = byte(d.r.Uint32())
	}
	copy(d.host.memory[dataAt:dataAt+dataLen], d.ours.memory[dataAt:])
}

func stepRead(d *differ) bool {
	i := d.slot()
	if d.kind[i.v] == 'i' {
		return stepReadEvents(d)
	}
	_, _, ok := d.same(lx.SysRead, i, mem(dataAt), num(uint64(d.r.IntN(dataLen))))
	return ok && d.memorySame(dataAt, dataLen)
}

func stepPread(d *differ) bool {
	_, _, ok := d.same(lx.SysPread64, d.slot(), mem(dataAt), num(uint64(d.r.IntN(dataLen))), num(uint64(d.r.IntN(150_000))-10))
	return ok && d.memorySame(dataAt, dataLen)
}

func stepWrite(d *differ) bool {
	d.data()
	at, n := mem(dataAt), uint64(d.r.IntN(dataLen))
	if d.r.IntN(20) == 0 {
		at, n = num(4096), 1+n // memory that isn't there
	}
	_, _, ok := d.same(lx.SysWrite, d.slot(), at, num(n))
	return ok
}

func stepPwrite(d *differ) bool {
	d.data()
	_, _, ok := d.same(lx.SysPwrite64, d.slot(), mem(dataAt), num(uint64(d.r.IntN(dataLen))), num(uint64(d.r.IntN(150_000))-10))
	return ok
}

func stepVector(d *differ) bool {
	d.data()
	n := d.r.IntN(5)
	for _, s := range []*side{&d.ours, &d.host} {
		r := rand.New(rand.NewPCG(uint64(n), uint64(len(d.log))))
		for i := range n {
			binary.LittleEndian.PutUint64(s.memory[pathAt+16*i:], s.base+dataAt+uint64(r.IntN(2000)))
			binary.LittleEndian.PutUint64(s.memory[pathAt+16*i+8:], uint64(r.IntN(3000)))
		}
	}
	nr := lx.SysReadv
	if d.r.IntN(2) == 0 {
		nr = lx.SysWritev
	}
	i := d.slot()
	if d.kind[i.v] == 'v' { // each piece is a write of its own there
		return true
	}
	_, _, ok := d.same(nr, i, mem(pathAt), num(uint64(n)))
	return ok && d.memorySame(dataAt, dataLen)
}

func stepDup(d *differ) bool {
	from := d.slot()
	to := 1 + d.r.IntN(slots-1)
	if from.v == uint64(to) {
		return true
	}
	if !d.opened[from.v] {
		return true
	}
	kind := d.kind[from.v]
	ok := d.open(to, lx.SysDup, from)
	d.kind[to] = kind
	return ok
}

func stepClose(d *differ) bool {
	d.drop(1 + d.r.IntN(slots-1))
	return true
}

func stepPipe(d *differ) bool {
	i := 1 + d.r.IntN(slots-2)
	if _, _, ok := d.same(lx.SysPipe2, mem(dataAt), num(abi.O_NONBLOCK|d.flags(abi.O_CLOEXEC, 1<<30))); !ok {
		return false
	}
	if r := d.log[len(d.log)-1]; !strings.HasSuffix(r, "= 0") {
		return true
	}
	for k := range 2 {
		ours := uint64(binary.LittleEndian.Uint32(d.ours.memory[dataAt+4*k:]))
		host := uint64(binary.LittleEndian.Uint32(d.host.memory[dataAt+4*k:]))
		d.drop(i + k)
		d.opened[i+k], d.ours.fds[i+k], d.host.fds[i+k] = true, ours, host
	}
	return true
}

func stepEventfd(d *differ) bool {
	i := 1 + d.r.IntN(slots-1)
	ok := d.open(i, lx.SysEventfd2, num(uint64(d.r.IntN(3))), num(abi.O_NONBLOCK|d.flags(abi.EFD_SEMAPHORE)))
	d.kind[i] = 'v'
	return ok
}

func stepEpoll(d *differ) bool {
	i := 1 + d.r.IntN(slots-1)
	ok := d.open(i, lx.SysEpollCreate1, num(d.flags(abi.O_CLOEXEC)))
	d.kind[i] = 'e'
	return ok
}

func stepEpollCtl(d *differ) bool {
	a, b := d.slot(), d.slot()
	ev := abi.EpollEvent{Data: b.v, Events: uint32(d.flags(abi.EPOLLIN, abi.EPOLLOUT, abi.EPOLLIN, abi.EPOLLET, abi.EPOLLONESHOT, abi.EPOLLRDHUP))}
	for _, s := range []*side{&d.ours, &d.host} {
		abi.PutEpollEvent(s.memory[dataAt:], ev)
	}
	_, _, ok := d.same(lx.SysEpollCtl, a, num(uint64(1+d.r.IntN(3))), b, mem(dataAt))
	d.log = append(d.log, fmt.Sprintf("  events %#x", ev.Events))
	return ok
}

// isEpoll reports whether a slot is an epoll's.
func (d *differ) isEpoll(i uint64) bool { return d.kind[i] == 'e' }

// stepEpollWait compares what is ready, in any order: Linux's isn't promised.
func stepEpollWait(d *differ) bool {
	i := d.slot()
	ours, _, ok := d.same(lx.SysEpollPwait, i, mem(dataAt), num(20), num(0), num(0), num(8))
	if _, bad := abi.Failed(ours); bad || !ok {
		return ok
	}
	a, b := events(d.ours.memory[dataAt:], ours), events(d.host.memory[dataAt:], ours)
	if !slices.Equal(a, b) {
		d.log = append(d.log, fmt.Sprintf("  %v\n  %v", a, b))
		return false
	}
	return true
}

func events(b []byte, n uint64) (all []string) {
	for i := range int(n) {
		e := abi.GetEpollEvent(b[i*abi.EpollEventSize:])
		all = append(all, fmt.Sprintf("%d:%#x", e.Data, e.Events))
	}
	slices.Sort(all)
	return all
}

func stepPoll(d *differ) bool {
	n := d.r.IntN(5)
	for i := range n {
		k := d.slot()
		asked := uint16(d.flags(abi.EPOLLIN, abi.EPOLLOUT, abi.EPOLLPRI, abi.EPOLLRDHUP))
		for _, s := range []*side{&d.ours, &d.host} {
			p := abi.PollFD{FD: int32(s.fds[k.v]), Events: asked}
			p.Put(s.memory[dataAt+8*i:])
		}
	}
	clear(d.ours.memory[pathAt : pathAt+16])
	clear(d.host.memory[pathAt : pathAt+16])
	_, _, same := d.same(lx.SysPpoll, mem(dataAt), num(uint64(n)), mem(pathAt), num(0), num(8))
	for i := range n {
		a, b := abi.GetPollFD(d.ours.memory[dataAt+8*i:]), abi.GetPollFD(d.host.memory[dataAt+8*i:])
		if a.Revents != b.Revents {
			d.log = append(d.log, fmt.Sprintf("  slot%d: asked %#x, %#x, Linux %#x", slices.Index(d.ours.fds, uint64(uint32(a.FD))), a.Events, a.Revents, b.Revents))
			return false
		}
	}
	return same
}

func stepIoctl(d *differ) bool {
	request := []uint64{abi.FIOCLEX, abi.FIONCLEX, abi.TCGETS, abi.TIOCGWINSZ, abi.FIONREAD}[d.r.IntN(5)]
	clear(d.ours.memory[dataAt : dataAt+64])
	clear(d.host.memory[dataAt : dataAt+64])
	i := d.slot()
	if request == abi.FIONREAD && d.isEpoll(i.v) {
		return true
	}
	_, _, ok := d.same(lx.SysIoctl, i, num(request), mem(dataAt))
	return ok && d.memorySame(dataAt, 64)
}

func stepCopy(d *differ) bool {
	a, b := d.slot(), d.slot()
	from, to := num(0), num(0)
	for i, x := range []*arg{&from, &to} {
		if d.r.IntN(2) == 0 {
			*x = mem(pathAt + 8*uint64(i))
			off := uint64(d.r.IntN(5000)) - 10
			for _, s := range []*side{&d.ours, &d.host} {
				binary.LittleEndian.PutUint64(s.memory[pathAt+8*i:], off)
			}
		}
	}
	_, _, ok := d.same(lx.SysCopyFileRange, a, from, b, to, num(uint64(d.r.IntN(10_000))), num(0))
	return ok && d.memorySame(pathAt, 16)
}

// stepSendfile copies to what can't be waited for, of a regular file: from others Linux can, too.
func stepSendfile(d *differ) bool {
	a, b := d.slot(), d.slot()
	if d.kind[b.v] != 'r' || d.kind[a.v] == 'v' || d.oneFile(a, b) {
		return true
	}
	_, _, ok := d.same(lx.SysSendfile, a, b, num(0), num(uint64(d.r.IntN(10_000))))
	return ok
}

// oneFile reports whether two slots are of one file, which Linux sends to itself by pages that change on the way.
func (d *differ) oneFile(a, b arg) bool {
	var s, t syscall.Stat_t
	return syscall.Fstat(int(d.host.fds[a.v]), &s) == nil && syscall.Fstat(int(d.host.fds[b.v]), &t) == nil && s.Dev == t.Dev && s.Ino == t.Ino
}

// stepDup3 puts a file into the place of another.
func stepDup3(d *differ) bool {
	from, to := d.slot(), slot(uint64(1+d.r.IntN(slots-1)))
	if !d.opened[from.v] || !d.opened[to.v] {
		return true
	}
	nr, args := lx.SysDup3, []arg{from, to, num(d.flags(abi.O_CLOEXEC, 1))}
	if d.r.IntN(2) == 0 && lx.SysDup2 != lx.None {
		nr, args = lx.SysDup2, []arg{from, to}
	}
	ours, host := d.ours.call(nr, args), d.host.call(nr, args)
	d.note(nr, args, ours, host)
	if _, bad := abi.Failed(host); bad {
		return ours == host
	}
	d.kind[to.v] = d.kind[from.v]
	return ours == d.ours.fds[to.v] && host == d.host.fds[to.v]
}

// stepTemporary makes a file without a name.
func stepTemporary(d *differ) bool {
	if d.folder || d.watched { // whose opening is told of by a name that isn't the same
		return true
	}
	i := 1 + d.r.IntN(slots-1)
	ok := d.open(i, lx.SysOpenat, d.at(), mem(pathAt), num(lx.O_TMPFILE|uint64(d.r.IntN(3))), num(0o600))
	return ok
}

func stepStatx(d *differ) bool {
	ours, _, ok := d.same(lx.SysStatx, d.at(), mem(pathAt), num(d.flags(abi.AT_SYMLINK_NOFOLLOW, abi.AT_EMPTY_PATH)), num(0xfff), mem(dataAt))
	if !ok || ours != 0 {
		return ok
	}
	for _, s := range []*side{&d.ours, &d.host} {
		b := s.memory[dataAt : dataAt+lx.StatxSize]
		mode := binary.LittleEndian.Uint16(b[28:])
		size := binary.LittleEndian.Uint64(b[40:])
		if mode&abi.S_IFMT == abi.S_IFDIR {
			size = 0
		}
		clear(b[:16])
		clear(b[30:])
		binary.LittleEndian.PutUint64(b[40:], size)
	}
	return d.memorySame(dataAt, lx.StatxSize)
}

// stepOld makes one of the calls that newer architectures don't have.
func stepOld(d *differ) bool {
	one, two := mem(pathAt), mem(pathAt2)
	mode := num(modes[d.r.IntN(len(modes))] | 0o700)
	calls := []struct {
		nr   int
		args []arg
	}{
		{lx.SysMkdir, []arg{one, mode}}, {lx.SysRmdir, []arg{one}}, {lx.SysUnlink, []arg{one}}, {lx.SysSymlink, []arg{one, two}},
		{lx.SysLink, []arg{one, two}}, {lx.SysRename, []arg{one, two}}, {lx.SysRenameat, []arg{d.at(), one, d.at(), two}},
		{lx.SysChmod, []arg{one, mode}}, {lx.SysChown, []arg{one, num(d.owner()), num(d.owner())}},
		{lx.SysLchown, []arg{one, num(d.owner()), num(d.owner())}}, {lx.SysAccess, []arg{one, num(uint64(d.r.IntN(9)))}},
		{lx.SysUtimes, []arg{one, num(0)}}, {lx.SysFutimesat, []arg{d.at(), one, num(0)}}, {lx.SysMknod, []arg{one, num(0o644), num(0)}},
	}
	c := calls[d.r.IntN(len(calls))]
	switch d.r.IntN(8) {
	case 0:
		return lx.SysOpen == lx.None || d.open(1+d.r.IntN(slots-1), lx.SysOpen, one, num(abi.O_RDWR|abi.O_NONBLOCK|d.flags(abi.O_CREAT)), mode)
	case 1:
		return lx.SysStat == lx.None || d.stat([]int{lx.SysStat, lx.SysLstat}[d.r.IntN(2)], one, mem(dataAt))
	}
	if c.nr == lx.None {
		return true
	}
	_, _, ok := d.same(c.nr, c.args...)
	return ok
}

// stepSelect asks for files by sets, which a descriptor's number limits.
func stepSelect(d *differ) bool {
	i, which := d.slot(), uint64(d.r.IntN(3))
	for _, s := range []*side{&d.ours, &d.host} {
		fd := s.fds[i.v]
		if fd >= 1024 {
			return true
		}
		clear(s.memory[dataAt : dataAt+512])
		binary.LittleEndian.PutUint64(s.memory[dataAt+128*which+fd/64*8:], 1<<(fd%64))
	}
	if _, _, ok := d.same(lx.SysPselect6, num(1024), mem(dataAt), mem(dataAt+128), mem(dataAt+256), mem(dataAt+384), num(0)); !ok {
		return false
	}
	for _, s := range []*side{&d.ours, &d.host} {
		fd := s.fds[i.v]
		set := s.memory[dataAt+128*which+fd/64*8:]
		v := binary.LittleEndian.Uint64(set) >> (fd % 64) & 1
		clear(s.memory[dataAt : dataAt+512])
		s.memory[dataAt] = byte(v)
	}
	return d.memorySame(dataAt, 1)
}

func stepUmask(d *differ) bool {
	if !d.free { // it is that of all threads
		return true
	}
	_, _, ok := d.same(lx.SysUmask, num([]uint64{0o22, 0, 0o77, 0o1022}[d.r.IntN(4)]))
	return ok
}

// owner gives an owner or a group.
func (d *differ) owner() uint64 {
	if !d.free { // only user 0 may
		return 1<<64 - 1
	}
	return []uint64{0, 1000, 1<<64 - 1}[d.r.IntN(3)]
}

// begin makes files of each kind, and opens them.
func (d *differ) begin() {
	d.both(pathAt, "dir\x00")
	d.same(lx.SysMkdirat, num(here), mem(pathAt), num(0o755))
	d.both(pathAt, "dir/a\x00")
	d.open(1, lx.SysOpenat, num(here), mem(pathAt), num(abi.O_CREAT|abi.O_RDWR), num(0o644))
	d.both(pathAt, "b\x00")
	d.open(2, lx.SysOpenat, num(here), mem(pathAt), num(abi.O_CREAT|abi.O_RDWR), num(0o644))
	d.kind[1], d.kind[2] = 'r', 'r'
	d.data()
	d.same(lx.SysWrite, slot(2), mem(dataAt), num(dataLen))
	d.open(3, lx.SysEpollCreate1, num(0))
	d.kind[3] = 'e'
	d.open(4, lx.SysEventfd2, num(1), num(abi.O_NONBLOCK))
	d.kind[4] = 'v'
	d.both(pathAt, "dir\x00")
	d.open(5, lx.SysOpenat, num(here), mem(pathAt), num(abi.O_DIRECTORY), num(0))
}
