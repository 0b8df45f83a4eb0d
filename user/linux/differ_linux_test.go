// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
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
	w        *world
	watched  bool // there are inotifies
	t        *testing.T
	r        *rand.Rand
	ours     side
	host     side
	log      []string
	free     bool // paths may lead anywhere: the host's side has a root of its own
	opened   []bool
	kind     [slots]byte // 'e' an epoll, 'v' an eventfd
	stop     bool
	steps    []func(*differ) bool
	quiet    bool   // SIGPIPE means nothing
	abstract uint64 // in the names of sockets that aren't files: others make the same test
	folder   bool   // ours is a folder of the host's, with what that can't
}

const slots = 10 // slot 0 is the directory where relative paths begin

// TestDiffer makes calls of chance.
func TestDiffer(t *testing.T) {
	differSeeds(t, 60, 12, 400, func(_ *differ, w *world) { empty(w) })
}

// FuzzDiffer is TestDiffer by seeds of the fuzzer's.
func FuzzDiffer(f *testing.F) {
	f.Add(uint64(1000))
	f.Fuzz(func(t *testing.T, seed uint64) { differSeed(t, seed, 100, func(_ *differ, w *world) { empty(w) }) })
}

// differSeeds runs n seeds, few where tests are to be short, up to the first that differs.
func differSeeds(t *testing.T, n, few uint64, steps int, plant func(*differ, *world)) {
	if testing.Short() {
		n = few
	}
	for seed := range n {
		if differSeed(t, seed, steps, plant); t.Failed() {
			return
		}
	}
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
	d := &differ{t: t, r: rand.New(rand.NewPCG(seed, 7)), steps: differSteps, abstract: seed, opened: make([]bool, slots)}
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
	d.w = w
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
	d.begin()
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
	switch {
	case e == syscall.EINTR: // Go's runtime has sent the thread a signal; nothing here does
		return hostCall(nr, a)
	case e != 0:
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
	if d.folder && len(args) > 0 && args[0].kind == 'f' && (ours != host || attributes[uint64(nr)]) && d.nameless(args[0]) {
		d.stop = true // not all of it can be had by 9P, and another file may have its name
		return host, host, true
	}
	return ours, host, ours == host
}

// attributes are calls that ask for what a file is, or change it.
var attributes = map[uint64]bool{lx.SysFstat: true, lx.SysNewfstatat: true, lx.SysStatx: true, lx.SysFtruncate: true,
	lx.SysFchmod: true, lx.SysFchown: true, lx.SysUtimensat: true, lx.SysLseek: true}

// nameless reports whether an open file has no name any more.
func (d *differ) nameless(slot arg) bool {
	var st syscall.Stat_t
	return syscall.Fstat(int(d.host.fds[slot.v]), &st) == nil && st.Nlink == 0
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
	ours, host := d.ours.call(nr, args), d.host.call(nr, args)
	d.note(nr, args, ours, host)
	_, bad := abi.Failed(ours)
	_, hostBad := abi.Failed(host)
	if bad && hostBad {
		return ours == host
	}
	d.drop(i)
	d.opened[i] = true
	d.log = append(d.log, fmt.Sprintf("  into slot%d", i))
	if !hostBad {
		d.host.fds[i] = host
	}
	if !bad {
		d.ours.fds[i] = ours
	}
	return !bad && !hostBad
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
