// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fork makes a copy of this process, which does only what f does: calls made without Go's runtime. It
// ends with what f returns. It is pinned: Go's monitor may ask this goroutine at any time to give way, after 10 ms
// of a busy computer's, and a copy that was made just then would do so at f's first call, to nobody, for ever.
func fork(flags uintptr, f func() int) (int, error) {
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	pin()
	pid, _, e := syscall.RawSyscall6(syscall.SYS_CLONE, flags|uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	if pid != 0 || e != 0 {
		unpin()
	}
	if e != 0 {
		return 0, e
	}
	if pid == 0 {
		code := f()
		for {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, uintptr(code), 0, 0)
		}
	}
	return int(pid), nil
}

// tell writes a byte to a pipe, without Go's runtime.
func tell(fd int, b byte) {
	oneByte[0] = b
	syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), addressOf(&oneByte[0]), 1)
}

// hear reads one.
func hear(fd int) byte {
	oneByte[0] = 0
	syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), addressOf(&oneByte[0]), 1)
	return oneByte[0]
}

var oneByte [8]byte

// wait waits for a child, and says what has become of it.
func wait(pid, options int) string {
	var status syscall.WaitStatus
	for {
		got, err := syscall.Wait4(pid, &status, options, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil:
			return err.Error()
		case got == 0:
			return "nothing yet"
		case pid > 0 && got != pid:
			return "another"
		case status.Exited():
			return fmt.Sprint("exit ", status.ExitStatus())
		case status.Signaled():
			return "killed by " + status.Signal().String()
		case status.Stopped():
			return "stopped by " + status.StopSignal().String()
		case status.Continued():
			return "continued"
		}
		return fmt.Sprintf("status %#x", uint32(status))
	}
}

var pages [64 << 12]byte

func testFork() error {
	p, err := pipe()
	if err != nil {
		return err
	}
	back, err := pipe()
	if err != nil {
		return err
	}
	pages[0], pages[5<<12] = 1, 2
	pid, err := fork(0, func() int {
		sum := int(pages[0]) + int(pages[5<<12])
		pages[0], pages[9<<12] = 10, 20
		tell(p.w, 'c')
		hear(back.r) // the parent has written
		return sum + int(pages[0])*2 + int(pages[7<<12])
	})
	if err != nil {
		return err
	}
	fmt.Printf("child says %c, parent has %d %d\n", hear(p.r), pages[0], pages[9<<12])
	pages[7<<12] = 100
	fmt.Println(wait(pid, syscall.WNOHANG))
	tell(back.w, 'p')
	fmt.Println(wait(pid, 0), pages[0], pages[9<<12])
	fmt.Println(wait(pid, 0))
	fmt.Println(wait(-1, 0))
	return forkMore(p, back)
}

// ends are those of a pipe.
type ends struct{ r, w int }

func pipe() (ends, error) {
	var fds [2]int
	err := syscall.Pipe2(fds[:], 0)
	return ends{fds[0], fds[1]}, err
}

// forkMore has copies of copies, and orphans.
func forkMore(p, back ends) error {
	pid, err := fork(0, func() int {
		me, _, _ := syscall.RawSyscall(syscall.SYS_GETPID, 0, 0, 0)
		if n, _, _ := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0); n == 0 {
			for {
				parent, _, _ := syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
				if parent != me {
					break
				}
				syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
			}
			tell(p.w, 'o')
			return 0
		}
		return 3
	})
	if err != nil {
		return err
	}
	fmt.Println(wait(pid, 0))
	fmt.Printf("orphan %c\n", hear(p.r))
	shared, err := syscall.Mmap(-1, 0, 8192, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_ANON)
	if err != nil {
		return err
	}
	shared[0] = 1
	if pid, err = fork(0, func() int {
		shared[4096] = shared[0] + 1
		return 0
	}); err != nil {
		return err
	}
	fmt.Println(wait(pid, 0), shared[0], shared[4096])
	if err := syscall.Munmap(shared); err != nil {
		return err
	}
	fmt.Println(wait(-1, 0))
	for i := range 20 { // of which each writes what the others don't see
		pid, err := fork(0, func() int {
			for k := range 64 {
				pages[k<<12] = byte(i)
			}
			for k := range 64 {
				if pages[k<<12] != byte(i) {
					return 1
				}
			}
			return 0
		})
		if err != nil {
			return err
		}
		pages[0] = byte(i + 50)
		if got := wait(pid, 0); got != "exit 0" || pages[0] != byte(i+50) || pages[1<<12] != 0 {
			fmt.Println(i, got, pages[0], pages[1<<12])
		}
	}
	return nil
}

func testStop() error {
	p, err := pipe()
	if err != nil {
		return err
	}
	pid, err := fork(0, func() int { return int(hear(p.r)) })
	if err != nil {
		return err
	}
	// In a group of its own it isn't one whose parents are all gone, which SIGTSTP doesn't stop: so may this one be.
	if err := syscall.Setpgid(pid, pid); err != nil {
		return err
	}
	chld := make(chan os.Signal, 10)
	signal.Notify(chld, syscall.SIGCHLD)
	defer signal.Stop(chld)
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGTSTP} {
		_ = syscall.Kill(pid, s)
		fmt.Println(wait(pid, syscall.WUNTRACED))
		fmt.Println(<-chld)
		fmt.Println(wait(pid, syscall.WUNTRACED|syscall.WNOHANG))
		_ = syscall.Kill(pid, syscall.SIGCONT)
		fmt.Println(wait(pid, syscall.WCONTINUED))
		fmt.Println(<-chld)
	}
	tell(p.w, 9)
	fmt.Println(wait(pid, 0))
	fmt.Println(<-chld)
	return nil
}

// testGroups has groups and sessions.
func testGroups() error {
	a, b := me("sleep"), me("sleep")
	a.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := a.Start(); err != nil {
		return err
	}
	b.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: a.Process.Pid}
	if err := b.Start(); err != nil {
		return err
	}
	group, err := syscall.Getpgid(b.Process.Pid)
	fmt.Println(group == a.Process.Pid, err)
	why("the group", syscall.Kill(-group, 0))
	why("setpgid after exec", syscall.Setpgid(b.Process.Pid, 0))
	why("no such group", syscall.Kill(-(1<<22-1), syscall.SIGTERM))
	why("no such process", syscall.Kill(1<<22-1, syscall.SIGTERM))
	why("no such signal", syscall.Kill(group, 65))
	why("killed", syscall.Kill(-group, syscall.SIGTERM))
	why("a", a.Wait())
	why("b", b.Wait())
	why("the group", syscall.Kill(-group, 0))
	s := me("session")
	s.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := s.Output()
	fmt.Printf("%s%v\n", out, err)
	return nil
}

// testPidfd has descriptors of processes, which os.Process uses too.
func testPidfd() error {
	c := me("sleep")
	if err := c.Start(); err != nil {
		return err
	}
	why("signal", c.Process.Signal(syscall.Signal(0)))
	why("kill", c.Process.Kill())
	state, err := c.Process.Wait()
	fmt.Println(state, err)
	why("signal", c.Process.Signal(syscall.SIGTERM))
	_, err = c.Process.Wait()
	fmt.Println(err != nil)
	var fd int32
	pid, err := clonePidfd(&fd, syscall.SIGCHLD)
	if err != nil {
		return err
	}
	fmt.Println(fd > 2, waitPidfd(int(fd)))
	fmt.Println(wait(pid, 0))
	return syscall.Close(int(fd))
}

// testThreads runs programs from threads that aren't the first.
func testThreads() error {
	out, err := me("again", "0").Output()
	fmt.Printf("%s%v\n", out, err)
	return nil
}

// testIgnored: what is ignored stays so, and what is blocked stays blocked.
func testIgnored() error {
	signal.Ignore(syscall.SIGHUP)
	out, err := me("hup").Output()
	signal.Reset(syscall.SIGHUP)
	fmt.Printf("%s%v\n", out, err)
	return nil
}

// testMany has many at a time, and many one after the other.
func testMany() error {
	var group sync.WaitGroup
	var mu sync.Mutex
	fine := 0
	for range 6 {
		group.Go(func() {
			for range 5 {
				out, err := me("hello").Output()
				if err == nil && strings.HasPrefix(string(out), "hello") {
					mu.Lock()
					fine++
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	fmt.Println(fine)
	var pids []int
	for i := range 100 {
		pid, err := fork(0, func() int { return i })
		if err != nil {
			return err
		}
		pids = append(pids, pid)
	}
	time.Sleep(50 * time.Millisecond)
	for i, pid := range pids {
		if err := syscall.Kill(pid, 0); err != nil {
			fmt.Println("a zombie", err)
		}
		if got := wait(pid, 0); got != fmt.Sprint("exit ", i) {
			fmt.Println(i, got)
		}
	}
	fmt.Println(wait(-1, syscall.WNOHANG))
	return nil
}

// testPipes has a line of processes.
func testPipes() error {
	a, b, c := me("cat"), me("cat"), me("cat")
	in, err := a.StdinPipe()
	if err != nil {
		return err
	}
	b.Stdin, _ = a.StdoutPipe()
	c.Stdin, _ = b.StdoutPipe()
	out, _ := c.StdoutPipe()
	for _, x := range []interface{ Start() error }{a, b, c} {
		if err := x.Start(); err != nil {
			return err
		}
	}
	text := strings.Repeat("0123456789abcdef", 1<<14)
	go func() {
		_, _ = io.WriteString(in, text)
		in.Close()
	}()
	got, err := io.ReadAll(out)
	fmt.Println(string(got) == text, err, a.Wait(), b.Wait(), c.Wait())
	return nil
}

// init has main stay in the first thread, where the child "again" tells that apart from others: elsewhere it goes on in
// another one whenever a call of its has taken a while.
func init() {
	if len(os.Args) > 2 && os.Args[2] == "again" {
		runtime.LockOSThread()
	}
}

func childMore(args []string) {
	switch args[0] {
	case "sleep":
		time.Sleep(time.Hour)
	case "share":
		shareChild()
	case "time":
		timeChild()
	case "user":
		userChild()
	case "signalfd":
		signalfdChild()
	case "pty":
		ptyChild(args[1])
	case "signalfd-user":
		signalfdUser()
	case "signalfd-other":
		signalfdOther()
	case "leader", "job", "stopped":
		orphans(args[0])
	case "line":
		var word string
		_, err := fmt.Scanln(&word)
		fmt.Println("a job reads", word, err)
	case "session":
		sid, _ := getsid()
		fmt.Println(sid == os.Getpid(), syscall.Getpgrp() == os.Getpid())
	case "hup":
		_ = syscall.Kill(os.Getpid(), syscall.SIGHUP)
		time.Sleep(10 * time.Millisecond)
		fmt.Println("lives")
	case "again":
		pid := os.Getpid()
		fmt.Println(args[1] == "0" || args[1] == fmt.Sprint(pid), syscall.Gettid() == pid || args[1] == "0")
		if len(args[1]) > 0 && len(args) > 2 {
			return
		}
		done := make(chan error)
		go func() {
			runtime.LockOSThread() // not the first, which is main's
			done <- syscall.Exec(self, []string{"processes", "child", "again", fmt.Sprint(pid), "end"}, os.Environ())
		}()
		fmt.Println(<-done)
	}
}
