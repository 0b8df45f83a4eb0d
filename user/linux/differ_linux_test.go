// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/tmpfs"
	"loam/user/linux/vfs"
	"loam/user/sys"
)

// The server is compared with Linux: the same calls of chance are made of both, on a tree of its own
// each, with the same memory. Results, errors and what was written to memory must be the same,
// but for what can't be: inode numbers, times and the like.

// side is one of the two.
type side struct {
	do     func(nr uint64, args [6]uint64) uint64
	memory []byte
	base   uint64
	fds    []uint64 // by slot
}

const (
	arena   = 64 << 10
	pathAt  = 0
	pathAt2 = 8 << 10
	dataAt  = 16 << 10
	dataLen = 8 << 10
)

// arg is an argument, in terms that both sides have.
type arg struct {
	kind byte // 'n' a number, 'p' an offset in memory, 'f' a slot of descriptors
	v    uint64
}

func num(v uint64) arg  { return arg{'n', v} }
func mem(v uint64) arg  { return arg{'p', v} }
func slot(v uint64) arg { return arg{'f', v} }

func (s *side) call(nr int, args []arg) uint64 {
	var a [6]uint64
	for i, x := range args {
		switch x.kind {
		case 'n':
			a[i] = x.v
		case 'p':
			a[i] = s.base + x.v
		case 'f':
			a[i] = s.fds[x.v]
		}
	}
	return s.do(uint64(nr), a)
}

type differ struct {
	t      *testing.T
	r      *rand.Rand
	ours   side
	host   side
	log    []string
	free   bool // paths may lead anywhere: the host's side has a root of its own
	opened []bool
	kind   [slots]byte // 'e' an epoll, 'v' an eventfd
	stop   bool
	folder bool // ours is a folder of the host's, with what that can't
}

const slots = 10 // slot 0 is the directory where relative paths begin

// TestDiffer makes calls of chance.
func TestDiffer(t *testing.T) {
	n := uint64(60)
	if testing.Short() {
		n = 12
	}
	for seed := range n {
		if differSeed(t, seed, 400, func(_ *differ, w *world) { empty(w) }); t.Failed() {
			return
		}
	}
}

// FuzzDiffer is TestDiffer by seeds of the fuzzer's.
func FuzzDiffer(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) { differSeed(t, seed, 100, func(_ *differ, w *world) { empty(w) }) })
}

// differSeed makes calls of chance, in the tree that plant gives.
func differSeed(t *testing.T, seed uint64, steps int, plant func(*differ, *world)) {
	done := make(chan bool)
	go func() { // the thread ends with it: its root is another than the others'
		defer close(done)
		runtime.LockOSThread()
		d := newDiffer(t, seed, plant)
		defer d.close()
		for i := 0; i < steps && !d.stop; i++ {
			if !d.step() && !d.stop {
				from := max(0, len(d.log)-400)
				t.Errorf("seed %d:\n%s", seed, strings.Join(d.log[from:], "\n"))
				return
			}
		}
	}()
	<-done
}

func newDiffer(t *testing.T, seed uint64, plant func(*differ, *world)) *differ {
	d := &differ{t: t, r: rand.New(rand.NewPCG(seed, 7)), opened: make([]bool, slots)}
	dir := t.TempDir()
	if shm, err := os.MkdirTemp("/dev/shm", "loam"); err == nil { // which is a tmpfs
		t.Cleanup(func() { os.RemoveAll(shm) })
		dir = shm
	}
	_ = os.Chmod(dir, 0o755)
	b, err := syscall.Mmap(-1, 0, arena, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	t.Cleanup(func() { _ = syscall.Munmap(b) })
	d.host = side{memory: b, base: uint64(sys.Address(b)), fds: make([]uint64, slots), do: hostCall}
	w := newWorld(t)
	plant(d, w)
	if err := syscall.Unshare(syscall.CLONE_FS); err == nil && syscall.Chroot(dir) == nil {
		d.free, dir = true, "/"
	}
	if err := syscall.Chdir(dir); err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	syscall.Umask(0o022)
	w.k.memory = make([]byte, arena)
	w.k.slow = make(chan reply, 1)
	d.ours = side{memory: w.k.memory, base: fakeBase, fds: make([]uint64, slots)}
	d.ours.do = func(nr uint64, args [6]uint64) uint64 { return w.slowCall(nr, args) }
	for i := range slots {
		d.ours.fds[i], d.host.fds[i] = 1<<30, 1<<30
	}
	d.both(pathAt, "/\x00")
	if !d.free {
		d.both(pathAt, ".\x00")
	}
	d.open(0, lx.SysOpenat, num(here), mem(pathAt), num(abi.O_DIRECTORY), num(0))
	return d
}

// empty gives a tree that has nothing, as the host's.
func empty(w *world) {
	fs := tmpfs.New(1<<30, devRoot, func() abi.Timespec { return abi.Timespec{Sec: 1} })
	w.root = &vfs.Mount{Root: fs.Root()}
	for _, p := range w.processes {
		p.view = w.view()
		p.view.Umask = 0o022
	}
}

func hostCall(nr uint64, a [6]uint64) uint64 {
	r, _, e := syscall.RawSyscall6(uintptr(nr), uintptr(a[0]), uintptr(a[1]), uintptr(a[2]), uintptr(a[3]), uintptr(a[4]), uintptr(a[5]))
	if e != 0 {
		return abi.Errno(e).Result()
	}
	return uint64(r)
}

func (d *differ) close() {
	for i := range slots {
		if d.opened[i] {
			_ = syscall.Close(int(d.host.fds[i]))
		}
	}
}

// both puts text into both memories.
func (d *differ) both(at int, text string) {
	copy(d.ours.memory[at:], text)
	copy(d.host.memory[at:], text)
}

// same makes a call of both, and reports whether the results are the same.
func (d *differ) same(nr int, args ...arg) (ours, host uint64, ok bool) {
	ours, host = d.ours.call(nr, args), d.host.call(nr, args)
	d.note(nr, args, ours, host)
	if d.folder && len(args) > 0 && args[0].kind == 'f' && ours == abi.ENOENT.Result() {
		d.stop = true // a file of a host's that has no name any more: not all of it can be had by 9P
		return host, host, true
	}
	return ours, host, ours == host
}

func (d *differ) note(nr int, args []arg, ours, host uint64) {
	line := abi.Name(abi.HostArch, uint64(nr)) + "("
	for _, x := range args {
		switch {
		case x.kind == 'p' && (x.v == pathAt || x.v == pathAt2):
			text := string(d.ours.memory[x.v : x.v+4096])
			text, _, _ = strings.Cut(text, "\x00")
			if len(text) > 80 {
				text = text[:40] + "..." + text[len(text)-10:]
			}
			line += fmt.Sprintf("%q ", text)
		case x.kind == 'p':
			line += fmt.Sprintf("@%d ", x.v)
		case x.kind == 'f':
			line += fmt.Sprintf("slot%d ", x.v)
		default:
			line += fmt.Sprintf("%#x ", x.v)
		}
	}
	line += ") = " + resultText(ours)
	if ours != host {
		line += ", Linux: " + resultText(host)
	}
	d.log = append(d.log, line)
}

func resultText(r uint64) string {
	if e, bad := abi.Failed(r); bad {
		return e.Name()
	}
	return fmt.Sprint(int64(r))
}

// open makes a call that gives a descriptor, into a slot.
func (d *differ) open(i int, nr int, args ...arg) bool {
	d.drop(i)
	ours, host := d.ours.call(nr, args), d.host.call(nr, args)
	d.note(nr, args, ours, host)
	_, bad := abi.Failed(ours)
	_, hostBad := abi.Failed(host)
	if !hostBad {
		d.host.fds[i], d.opened[i] = host, true
	}
	if bad || hostBad {
		return ours == host
	}
	d.ours.fds[i] = ours
	return true
}

// drop closes a slot.
func (d *differ) drop(i int) {
	if !d.opened[i] {
		return
	}
	d.opened[i], d.kind[i] = false, 0
	d.same(lx.SysClose, slot(uint64(i)))
	d.ours.fds[i], d.host.fds[i] = 1<<30, 1<<30
}

// memorySame compares a part of the memories.
func (d *differ) memorySame(at, n int) bool {
	if slices.Equal(d.ours.memory[at:at+n], d.host.memory[at:at+n]) {
		return true
	}
	d.log = append(d.log, fmt.Sprintf("memory:\n  % x\n  % x", d.ours.memory[at:at+n], d.host.memory[at:at+n]))
	return false
}

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
	n := 1 + d.r.IntN(3)
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

var modes = []uint64{0o755, 0o777, 0o700, 0o644, 0o600, 0o4755, 0o1777}

// step makes a call of chance, and reports whether it was the same.
func (d *differ) step() bool {
	copy(d.host.memory, d.ours.memory)
	d.setPath(pathAt)
	d.setPath(pathAt2)
	f := differSteps[d.r.IntN(len(differSteps))]
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
		return []arg{d.at(), mem(pathAt), num(0o644 | uint64(d.r.IntN(2))*abi.S_IFREG), num(0)}
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
	stepVector, stepIoctl, stepCopy,
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
	_, _, ok := d.same(lx.SysRead, d.slot(), mem(dataAt), num(uint64(d.r.IntN(dataLen))))
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
	d.drop(i)
	d.drop(i + 1)
	if _, _, ok := d.same(lx.SysPipe2, mem(dataAt), num(abi.O_NONBLOCK|d.flags(abi.O_CLOEXEC, 1<<30))); !ok {
		return false
	}
	if r := d.log[len(d.log)-1]; !strings.HasSuffix(r, "= 0") {
		return true
	}
	for k := range 2 {
		d.opened[i+k] = true
		d.ours.fds[i+k] = uint64(binary.LittleEndian.Uint32(d.ours.memory[dataAt+4*k:]))
		d.host.fds[i+k] = uint64(binary.LittleEndian.Uint32(d.host.memory[dataAt+4*k:]))
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
	if d.isEpoll(b.v) { // which can't be watched here
		return true
	}
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
	if _, _, ok := d.same(lx.SysPpoll, mem(dataAt), num(uint64(n)), mem(pathAt), num(0), num(8)); !ok {
		return false
	}
	for i := range n {
		a, b := abi.GetPollFD(d.ours.memory[dataAt+8*i:]), abi.GetPollFD(d.host.memory[dataAt+8*i:])
		if a.Revents != b.Revents {
			d.log = append(d.log, fmt.Sprintf("  %d: asked %#x, %#x, Linux %#x", i, a.Events, a.Revents, b.Revents))
			return false
		}
	}
	return true
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
	_, _, ok := d.same(lx.SysCopyFileRange, a, num(0), b, num(0), num(uint64(d.r.IntN(10_000))), num(0))
	return ok
}
