// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newThreads makes guests that are threads of one module.
func newThreads(t *testing.T, dir string, n int) []*guest {
	t.Helper()
	list := []*guest{newGuest(t, dir, func(c *Config) { c.Threads = true })}
	for len(list) < n {
		list = append(list, &guest{t, list[0].s.Thread(), make(memory, 0x10000)})
	}
	return list
}

// TestThreadOf: a call is of the thread whose context it has.
func TestThreadOf(t *testing.T) {
	g := newThreads(t, "", 2)
	first, second := g[0].s, g[1].s
	if got := first.of(WithThread(context.Background(), second)); got != second {
		t.Error("not the thread's own")
	}
	if got := first.of(context.Background()); got != first {
		t.Error("not the first")
	}
}

// TestThreadsClose closes what another thread reads: it is read to the end, and its number at Linux is nobody's meanwhile.
func TestThreadsClose(t *testing.T) {
	dir := t.TempDir()
	g := newThreads(t, dir, 2)
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	pipe := uint64(g[0].s.add(&descriptor{&file{fd: fds[0]}, rightRead, 0}))
	read := make(chan string)
	go func() {
		s, e := g[1].read(pipe, 10)
		read <- fmt.Sprint(s, e)
	}()
	for users := 0; users < 2; time.Sleep(time.Millisecond) {
		g[0].s.lock()
		if d := g[0].s.table[pipe]; d != nil {
			users = d.users
		}
		g[0].s.unlock()
	}
	g[0].must(0, "fd_close", pipe)
	g[0].must(errnoBadf, "fd_close", pipe)
	for i := range 10 {
		n, e := g[0].open(fmt.Sprint(i), 0, openCreate, readWrite, 0)
		if e != 0 {
			t.Fatal(e)
		}
		if d := g[0].s.table[n]; d.fd == fds[0] {
			t.Errorf("the number %d is open twice", d.fd)
		}
	}
	if _, err := unix.Write(fds[1], []byte("text")); err != nil {
		t.Fatal(err)
	}
	if s := <-read; s != "text0" {
		t.Error(s)
	}
	if _, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFD, 0); err != unix.EBADF {
		t.Error("it is still open:", err)
	}
}

// TestThreadsFiles has threads open, write, read and close files at the same time. Each finds what it has written.
func TestThreadsFiles(t *testing.T) {
	var all sync.WaitGroup
	for i, g := range newThreads(t, t.TempDir(), 8) {
		all.Go(func() {
			for round := range 100 {
				text := fmt.Sprintf("%d of thread %d", round, i)
				fd, e := g.open(fmt.Sprint(i), 0, openCreate|openTruncate, readWrite, 0)
				if e != 0 {
					t.Error(e)
					return
				}
				e = g.write(fd, text)
				g.must(0, "fd_fdstat_set_rights", fd, uint64(rightRead|rightSeek), 0)
				g.must(0, "fd_seek", fd, 0, 0, resultAt)
				if s, e2 := g.read(fd, 100); s != text || e != 0 || e2 != 0 {
					t.Errorf("%q, not %q; errors %d, %d", s, text, e, e2)
				}
				g.must(0, "fd_readdir", 3, bufferAt, 1000, 0, resultAt)
				g.must(0, "fd_close", fd)
			}
		})
	}
	all.Wait()
}
