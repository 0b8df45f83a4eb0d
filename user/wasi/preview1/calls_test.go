// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loam/user/sys"
)

const readWrite = rightRead | rightWrite | rightSeek | rightTell | rightSetFlags

func TestRenumber(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", "of a")
	write(t, dir+"/b", "of b")
	g := newGuest(t, dir)
	a, _ := g.open("a", 0, 0, readWrite, 0)
	b, _ := g.open("b", 0, 0, readWrite, 0)
	g.must(0, "fd_renumber", a, b)
	g.must(errnoBadf, "fd_close", a)
	if s, e := g.read(b, 10); s != "of a" || e != 0 {
		t.Errorf("%q, error %d", s, e)
	}
	g.must(errnoBadf, "fd_renumber", b, a) // nothing is there any more
	g.must(0, "fd_renumber", b, b)
	g.must(0, "fd_renumber", b, 1)
	g.must(0, "fd_close", 1)
	if c, e := g.open("a", 0, 0, readWrite, 0); c != 1 || e != 0 {
		t.Errorf("the lowest free number is %d, error %d", c, e)
	}
}

// TestNumbers: a descriptor has the lowest number that is free, whatever was opened, closed and renumbered before.
func TestNumbers(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", "")
	g := newGuest(t, dir)
	taken := map[uint64]bool{0: true, 1: true, 2: true, 3: true}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		a, b := random.Uint64N(40), random.Uint64N(40)
		switch random.IntN(4) {
		case 0:
			if a != 3 && g.call("fd_close", a) == 0 { // 3 is the folder
				delete(taken, a)
			}
		case 1:
			if a != 3 && b != 3 && a != b && g.call("fd_renumber", a, b) == 0 {
				delete(taken, a)
			}
		default:
			want := uint64(0)
			for taken[want] {
				want++
			}
			if fd, e := g.open("a", 0, 0, rightRead, 0); fd != want || e != 0 {
				t.Fatalf("the number %d, error %d, not %d", fd, e, want)
			}
			taken[want] = true
		}
	}
}

// TestRights gives up rights, and finds that they are gone for good.
func TestRights(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", "abc")
	g := newGuest(t, dir)
	fd, _ := g.open("a", 0, 0, readWrite, 0)
	g.must(0, "fd_fdstat_set_rights", fd, uint64(readWrite&^rightWrite), 0)
	if e := g.write(fd, "x"); e != errnoNotcapable {
		t.Errorf("writing without the right: %d", e)
	}
	g.must(errnoNotcapable, "fd_fdstat_set_rights", fd, uint64(readWrite), 0)
	if s, e := g.read(fd, 10); s != "abc" || e != 0 {
		t.Errorf("%q, error %d", s, e)
	}
	// What the directory doesn't hand on can't be had of what is in it.
	g.must(0, "fd_fdstat_set_rights", 3, uint64(ofDirectory), uint64(allRights&^rightWrite))
	if _, e := g.open("a", 0, 0, readWrite, 0); e != errnoNotcapable {
		t.Errorf("opened with a right that isn't handed on: %d", e)
	}
	if _, e := g.open("a", 0, 0, rightRead, 0); e != 0 {
		t.Errorf("opened without it: %d", e)
	}
	for _, c := range []struct {
		lost rights
		how  uint64
	}{{rightOpen, 0}, {rightCreateFile, openCreate}, {rightPathSetSize, openTruncate}} {
		g := newGuest(t, dir)
		g.must(0, "fd_fdstat_set_rights", 3, uint64(ofDirectory&^c.lost), uint64(allRights))
		if _, e := g.open("a", 0, c.how, rightRead, 0); e != errnoNotcapable {
			t.Errorf("path_open without right %#x: %d", c.lost, e)
		}
	}
}

// TestTruncatingBelow: a directory that was opened without the right to truncate has it (as Go expects), if it can be had there.
func TestTruncatingBelow(t *testing.T) {
	const without = ofDirectory &^ rightPathSetSize
	for handedOn, want := range map[rights]Errno{allRights: errnoSuccess, allRights &^ rightPathSetSize: errnoNotcapable} {
		dir := t.TempDir()
		write(t, dir+"/sub/a", "abc")
		g := newGuest(t, dir)
		g.must(0, "fd_fdstat_set_rights", 3, uint64(ofDirectory), uint64(handedOn))
		at, n := g.text(textAt, "sub")
		g.must(0, "path_open", 3, 0, at, n, openDirectory, uint64(without), uint64(ofFile), 0, resultAt)
		sub := g.result()
		at, n = g.text(textAt, "a")
		g.must(want, "path_open", sub, 0, at, n, openTruncate, uint64(rightWrite), 0, 0, resultAt)
	}
}

// TestFlags: appending can be turned on and off; being synchronous can't.
func TestFlags(t *testing.T) {
	dir := t.TempDir()
	g := newGuest(t, dir)
	fd, _ := g.open("a", 0, openCreate, readWrite, flagAppend|flagSync)
	flags := func() uint16 {
		g.must(0, "fd_fdstat_get", fd, resultAt)
		return binary.LittleEndian.Uint16(g.m[resultAt+2:])
	}
	if f := flags(); f&(flagAppend|flagSync) != flagAppend|flagSync {
		t.Errorf("flags %#x", f)
	}
	g.must(errnoNotsup, "fd_fdstat_set_flags", fd, flagDsync)
	g.must(errnoInval, "fd_fdstat_set_flags", fd, 1<<10)
	g.must(0, "fd_fdstat_set_flags", fd, uint64(flags()&^flagAppend))
	if f := flags(); f&flagAppend != 0 {
		t.Errorf("flags %#x after appending was turned off", f)
	}
}

// TestReaddir reads a directory by buffers of all sizes, and from each cookie again.
func TestReaddir(t *testing.T) {
	dir := t.TempDir()
	want := []string{".", ".."}
	for i := range 300 {
		name := fmt.Sprintf("%d%s", i, strings.Repeat("x", i%50))
		write(t, filepath.Join(dir, name), "")
		want = append(want, name)
	}
	slices.Sort(want)
	g := newGuest(t, dir)
	for _, size := range []int{direntSize + 64, 500, 4096, 40000} {
		got, cookies := g.list(size, 0)
		sorted := slices.Sorted(slices.Values(got))
		if !slices.Equal(sorted, want) {
			t.Fatalf("with a buffer of %d bytes: %d names, not %d", size, len(got), len(want))
		}
		for _, at := range []int{0, 1, 150, 7, len(got) - 1} {
			if rest, _ := g.list(size, cookies[at]); !slices.Equal(rest, got[at+1:]) {
				t.Errorf("from entry %d on: %d names, not %d", at, len(rest), len(got)-at-1)
			}
		}
	}
	write(t, filepath.Join(dir, "new"), "")
	if got, _ := g.list(4096, 0); !slices.Contains(got, "new") {
		t.Error("from the beginning a new file isn't there")
	}
	g.must(errnoBadf, "fd_readdir", 0, bufferAt, 100, 0, resultAt)
}

// list reads a directory from a cookie on, with the cookie behind each entry.
func (g *guest) list(size int, cookie uint64) (names []string, cookies []uint64) {
	big := make(memory, 0x20000)
	copy(big, g.m)
	g.m = big
	for {
		g.must(0, "fd_readdir", 3, bufferAt, uint64(size), cookie, resultAt)
		n := int(g.result())
		if n > size {
			g.t.Fatalf("%d of %d bytes", n, size)
		}
		for b := g.m[bufferAt:][:n]; len(b) >= direntSize; {
			end := direntSize + int(binary.LittleEndian.Uint32(b[16:]))
			if end > len(b) {
				break
			}
			cookie = binary.LittleEndian.Uint64(b)
			names, cookies = append(names, string(b[direntSize:end])), append(cookies, cookie)
			b = b[end:]
		}
		if n < size {
			return names, cookies
		}
	}
}

// subscription puts one into memory.
func (g *guest) subscription(i int, kind byte, words ...uint64) {
	b := g.m[textAt+i*subscriptionSize:][:subscriptionSize]
	clear(b)
	binary.LittleEndian.PutUint64(b, uint64(100+i))
	b[8] = kind
	for n, w := range words {
		binary.LittleEndian.PutUint64(b[16+8*n:], w)
	}
}

// poll polls n subscriptions, and tells which had events, with their errors.
func (g *guest) poll(n uint64) map[uint64]Errno {
	g.must(0, "poll_oneoff", textAt, bufferAt, n, resultAt)
	got := map[uint64]Errno{}
	for i := range g.result() {
		b := g.m[bufferAt+i*eventSize:]
		got[binary.LittleEndian.Uint64(b)-100] = Errno(binary.LittleEndian.Uint16(b[8:]))
	}
	return got
}

func pipe(t *testing.T) (r, w int) {
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(p[0]); unix.Close(p[1]) })
	return p[0], p[1]
}

// TestPoll waits for a clock and a pipe: neither comes before its time, and the wait takes no CPU.
func TestPoll(t *testing.T) {
	r, w := pipe(t)
	g := newGuest(t, t.TempDir(), func(c *Config) { c.Stdin, c.Stdout = sys.Stream(r), sys.Stream(w) })
	const ms = uint64(time.Millisecond)
	g.subscription(0, eventClock, clockMonotonic, 50*ms, 0, 0)
	g.subscription(1, eventRead, 0)
	start := time.Now()
	if got := g.poll(2); len(got) != 1 || got[0] != 0 || time.Since(start) < 50*time.Millisecond {
		t.Errorf("nothing was written: %v after %v", got, time.Since(start))
	}
	g.subscription(2, eventWrite, 1)
	if got := g.poll(3); len(got) != 1 || got[2] != 0 {
		t.Errorf("a pipe with room: %v", got)
	}
	time.AfterFunc(30*time.Millisecond, func() { unix.Write(w, []byte("x")) })
	g.subscription(0, eventClock, clockMonotonic, 60_000*ms, 0, 0)
	if got := g.poll(2); len(got) != 1 || got[1] != 0 {
		t.Errorf("something was written: %v", got)
	}
	if g.m[bufferAt+16] != 1 {
		t.Errorf("%d bytes wait", g.m[bufferAt+16])
	}
	now, _ := g.s.now(clockMonotonic)
	start = time.Now()
	g.subscription(0, eventClock, clockMonotonic, now+40*ms, 0, absoluteTime)
	g.subscription(1, eventClock, clockRealtime, 60_000*ms, 0, 0)
	if got := g.poll(2); len(got) != 1 || got[0] != 0 || time.Since(start) < 35*time.Millisecond {
		t.Errorf("a time of the clock's: %v after %v", got, time.Since(start))
	}
	g.subscription(1, eventRead, 77)
	g.subscription(2, eventClock, clockThread, 1)
	if got := g.poll(3); len(got) != 3 || got[0] != 0 || got[1] != errnoBadf || got[2] != errnoInval {
		t.Errorf("a time that has passed, no such descriptor, no such clock: %v", got)
	}
	g.must(errnoInval, "poll_oneoff", textAt, bufferAt, 0, resultAt)
	g.must(errnoFault, "poll_oneoff", 0xfff0, bufferAt, 1, resultAt)
}

func TestPollSleeps(t *testing.T) {
	r, _ := pipe(t)
	g := newGuest(t, "", func(c *Config) { c.Stdin = sys.Stream(r) })
	g.subscription(0, eventClock, clockMonotonic, uint64(300*time.Millisecond), 0, 0)
	g.subscription(1, eventRead, 0)
	var before, after unix.Rusage
	unix.Getrusage(unix.RUSAGE_SELF, &before)
	g.poll(2)
	unix.Getrusage(unix.RUSAGE_SELF, &after)
	used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	if used > int64(100*time.Millisecond) {
		t.Errorf("waiting for 300 ms took %v of CPU", time.Duration(used))
	}
}

// TestSockets accepts a connection and talks over it.
func TestSockets(t *testing.T) {
	l, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	addr := &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "s")}
	if err := unix.Bind(l, addr); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(l, 1); err != nil {
		t.Fatal(err)
	}
	c, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil || unix.Connect(c, addr) != nil {
		t.Fatal(err)
	}
	defer unix.Close(c)
	g := newGuest(t, "")
	n := uint64(g.s.add(&descriptor{&file{fd: l, kind: typeStream}, ofListener, 0}))
	g.subscription(0, eventRead, n)
	if got := g.poll(1); got[0] != 0 || len(got) != 1 {
		t.Errorf("a listener with a connection: %v", got)
	}
	g.must(0, "sock_accept", n, 0, resultAt)
	conn := g.result()
	unix.Write(c, []byte("hello"))
	g.vector(5)
	for _, flags := range []uint64{receivePeek, receiveWaitAll} {
		g.must(0, "sock_recv", conn, vectorAt, 1, flags, resultAt, resultAt+8)
		if s := string(g.m[bufferAt:][:g.result()]); s != "hello" {
			t.Errorf("%q came", s)
		}
	}
	g.must(0, "sock_send", conn, vectorAt, 1, 0, resultAt)
	g.must(0, "sock_shutdown", conn, 2)
	b := make([]byte, 10)
	if n, _ := unix.Read(c, b); string(b[:n]) != "hello" {
		t.Errorf("%q went", b[:n])
	}
	if n, err := unix.Read(c, b); n != 0 || err != nil {
		t.Errorf("after shutdown: %d bytes, %v", n, err)
	}
	g.must(errnoInval, "sock_shutdown", conn, 0)
	g.must(errnoNotsock, "sock_shutdown", 0, 1)
	g.must(errnoBadf, "sock_shutdown", 99, 1)
	g.must(errnoNotcapable, "sock_accept", conn, 0, resultAt)
}

// TestTooManyFiles opens files until there can be no more, and goes on with fewer.
func TestTooManyFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/file", "text")
	g := newGuest(t, dir)
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: min(before.Cur, 300), Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	var list []uint64
	for {
		fd, e := g.open("file", 0, 0, readWrite, 0)
		if e == fromLinux[unix.EMFILE] {
			break
		}
		if e != 0 || len(list) > 300 {
			t.Fatalf("error %d after %d files", e, len(list))
		}
		list = append(list, fd)
	}
	if len(list) < 100 {
		t.Errorf("only %d files", len(list))
	}
	for _, fd := range list {
		g.must(0, "fd_close", fd)
	}
	if fd, e := g.open("file", 0, 0, readWrite, 0); e != 0 || fd != list[0] {
		t.Errorf("descriptor %d, error %d, not %d again", fd, e, list[0])
	}
}

// TestPollLists: lists of subscriptions that are longer than anybody needs.
func TestPollLists(t *testing.T) {
	g := newGuest(t, "")
	g.m = make(memory, (mostWaits+1)*subscriptionSize+0x1000)
	const result = 8
	g.must(errnoInval, "poll_oneoff", 16, 16, mostWaits+1, result)
	g.must(errnoInval, "poll_oneoff", 16, 16, 1<<32-1, result)
	g.must(errnoInval, "poll_oneoff", 16, 16, 0, result)
}

// TestListeners: a listener that is granted comes after the folders, waits for nobody, and can do nothing else.
func TestListeners(t *testing.T) {
	g := newGuest(t, t.TempDir(), func(c *Config) { c.Listeners = []uint16{0} }) // a port of Linux's choice
	const listener = 4
	g.must(errnoBadf, "fd_prestat_get", listener, resultAt) // so that who looks for folders is at their end
	g.must(0, "fd_fdstat_get", listener, resultAt)
	if kind, flags := g.m[resultAt], g.m[resultAt+2]; kind != typeStream || flags != flagNonblock {
		t.Errorf("its type is %d, its flags %d", kind, flags)
	}
	g.must(fromLinux[unix.EAGAIN], "sock_accept", listener, 0, resultAt)
	g.subscription(0, eventRead, listener)
	g.subscription(1, eventClock, clockMonotonic, uint64(10*time.Millisecond), 0, 0)
	if got := g.poll(2); !maps.Equal(got, map[uint64]Errno{1: 0}) {
		t.Errorf("nobody connects, and %v", got)
	}
	g.vector(5)
	g.must(errnoNotcapable, "sock_send", listener, vectorAt, 1, 0, resultAt)
	g.must(errnoNotcapable, "sock_shutdown", listener, 3)
	g.must(errnoNotcapable, "fd_read", listener, vectorAt, 1, resultAt)
	g.must(0, "fd_fdstat_set_rights", listener, 0, 0)
	g.must(errnoNotcapable, "sock_accept", listener, 0, resultAt)
	g.must(0, "fd_close", listener)
	g.must(errnoBadf, "sock_accept", listener, 0, resultAt)
}

// TestListenerTaken: a port that another has is an error at the start.
func TestListenerTaken(t *testing.T) {
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	if _, err := New(Config{Listeners: []uint16{uint16(port)}}); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), strconv.Itoa(port)) {
		t.Error(err)
	}
}

// TestTimes sets times, also a link's own, and refuses flags that contradict.
func TestTimes(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/a", "")
	if err := os.Symlink("a", dir+"/l"); err != nil {
		t.Fatal(err)
	}
	g := newGuest(t, dir)
	at, n := g.text(textAt, "l")
	const set = 4
	g.must(0, "path_filestat_set_times", 3, 0, at, n, 0, 1_000_000_007, set)
	g.must(0, "path_filestat_set_times", 3, symlinkFollow, at, n, 0, 2_000_000_009, set)
	for name, want := range map[string]int64{"l": 1_000_000_007, "a": 2_000_000_009} {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || info.ModTime().UnixNano() != want {
			t.Errorf("%s has the time %v, %v", name, info.ModTime(), err)
		}
	}
	g.must(errnoInval, "path_filestat_set_times", 3, 0, at, n, 0, 0, set|set<<1)
	g.must(errnoInval, "path_filestat_set_times", 3, 0, at, n, 0, 0, 1<<4)
	g.must(errnoInval, "path_filestat_set_times", 3, 2, at, n, 0, 0, set)
}

// TestFaults gives each function addresses and numbers that nothing has: an error comes, and nothing else.
func TestFaults(t *testing.T) {
	const far = 0xfffffff0
	for _, f := range functions {
		if f.call == nil || f.name == "sched_yield" {
			continue
		}
		for _, fd := range []uint64{0, 3, 4, 0xffffffff} {
			g := newGuest(t, t.TempDir())
			g.open("a", 0, openCreate, readWrite, 0) // descriptor 4
			p := make([]uint64, len(f.params))
			for i := range p {
				p[i] = far
			}
			p[0] = fd
			for _, fit := range []bool{false, true} {
				if fit { // sizes that could be
					for i := range p[1:] {
						p[i+1] = []uint64{far, 8}[i%2]
					}
				}
				f.call(g.s, g.m, p)
			}
		}
	}
}

// TestSymlinkTargets: a link can't be made to where none could lead.
func TestSymlinkTargets(t *testing.T) {
	g := newGuest(t, t.TempDir())
	a, an := g.text(textAt, "/etc")
	b, bn := g.text(otherAt, "l")
	g.must(errnoNotcapable, "path_symlink", a, an, 3, b, bn)
	a, an = g.text(textAt, "a\x00b")
	g.must(errnoInval, "path_symlink", a, an, 3, b, bn)
	g.must(errnoNoent, "path_symlink", a, 0, 3, b, bn)
}
