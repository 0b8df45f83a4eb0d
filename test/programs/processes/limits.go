// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// testLimits writes to files that may not become larger than some size.
func testLimits() error {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGXFSZ)
	defer signal.Stop(signals)
	told := func() string {
		select {
		case s := <-signals:
			return s.String()
		case <-time.After(50 * time.Millisecond):
			return "no signal"
		}
	}
	f, err := os.CreateTemp("/dev/shm", "limit") // other file systems let KEEP_SIZE keep more
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 10_000, Max: old.Max}); err != nil {
		return err
	}
	fd := int(f.Fd())
	n, err := syscall.Write(fd, make([]byte, 9_000))
	fmt.Println("write", n, err, told())
	n, err = syscall.Write(fd, make([]byte, 9_000))
	fmt.Println("write as far as the limit", n, err, told())
	n, err = syscall.Write(fd, make([]byte, 1))
	fmt.Println("write at the limit", n, err, told())
	n, err = syscall.Write(fd, nil)
	fmt.Println("write nothing", n, err, told())
	n, err = syscall.Pwrite(fd, make([]byte, 100), 9_990)
	fmt.Println("pwrite", n, err, told())
	n, err = syscall.Pwrite(fd, make([]byte, 100), 20_000)
	fmt.Println("pwrite behind", n, err, told())
	for _, size := range []int64{10_000, 10_001, 500} {
		fmt.Println("truncate to", size, syscall.Ftruncate(fd, size), told(), syscall.Truncate(f.Name(), size), told())
	}
	fmt.Println("allocate", syscall.Fallocate(fd, 0, 0, 10_000), told(), syscall.Fallocate(fd, 1, 0, 10_001), told())
	limitCopies(f, told)
	r, w, _ := os.Pipe()
	n, err = w.Write(make([]byte, 20_000))
	fmt.Println("a pipe", n, err, told())
	r.Close()
	w.Close()
	err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old)
	end, seekErr := f.Seek(0, io.SeekEnd)
	fmt.Println(err, end, seekErr)
	return nil
}

// limitCopies has a file grow by copies, up to the limit of 10,000 bytes and behind it.
func limitCopies(f *os.File, told func() string) {
	in, err := os.CreateTemp("/dev/shm", "source")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(in.Name())
	defer in.Close()
	_, err = in.Write(make([]byte, 3_000))
	fmt.Println(err)
	from, to := int(in.Fd()), int(f.Fd())
	var p [2]int
	fmt.Println(syscall.Pipe(p[:]))
	defer syscall.Close(p[0])
	defer syscall.Close(p[1])
	for _, c := range []struct {
		name string
		copy func(from, to *int64) (int, error)
	}{
		{"copy_file_range", func(off, at *int64) (int, error) { return unix.CopyFileRange(from, off, to, at, 3_000, 0) }},
		{"sendfile", func(off, at *int64) (int, error) {
			if _, err := unix.Seek(to, *at, 0); err != nil {
				return 0, err
			}
			return unix.Sendfile(to, from, off, 3_000)
		}},
		{"splice", func(off, at *int64) (int, error) {
			_, _ = unix.Write(p[1], make([]byte, 3_000-*off))
			n, err := unix.Splice(p[0], nil, to, at, 3_000, 0)
			_ = unix.SetNonblock(p[0], true)
			left, _ := unix.Read(p[0], make([]byte, 4_000))
			_ = unix.SetNonblock(p[0], false)
			fmt.Println(left, "bytes left")
			return int(n), err
		}},
	} {
		for _, at := range []struct{ off, to int64 }{{0, 9_000}, {0, 10_000}, {2_990, 9_980}, {0, 20_000}} {
			n, err := c.copy(&at.off, &at.to)
			fmt.Println(c.name, n, err, at.off, told())
		}
	}
}

// testOrphans has a job in a session of its own end, of which a member is stopped: that one hears SIGHUP, and goes on.
func testOrphans() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	leader := me("leader")
	leader.ExtraFiles, leader.Stderr = []*os.File{w}, os.Stderr
	leader.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := leader.Start(); err != nil {
		return err
	}
	w.Close()
	_ = r.SetReadDeadline(time.Now().Add(20 * time.Second))
	text, err := io.ReadAll(r)
	fmt.Printf("%q %v %v\n", text, err, leader.Wait())
	return nil
}

// orphans is what the processes of testOrphans do: the leader of a session starts a job, of two processes in one group.
// The second stops itself, and then the first ends.
func orphans(what string) {
	pipe := os.NewFile(3, "pipe")
	next := func(name string, attr *syscall.SysProcAttr) *exec.Cmd {
		c := me(name)
		c.ExtraFiles, c.SysProcAttr = []*os.File{pipe}, attr
		if err := c.Start(); err != nil {
			fmt.Fprintln(pipe, err)
		}
		return c
	}
	switch what {
	case "leader":
		job := next("job", &syscall.SysProcAttr{Setpgid: true})
		_ = job.Wait()
		for range 100 { // the other has the other end of the pipe as long as it is there
			time.Sleep(10 * time.Millisecond)
		}
	case "job":
		c := next("stopped", nil)
		var status syscall.WaitStatus
		_, err := syscall.Wait4(c.Process.Pid, &status, syscall.WUNTRACED, nil)
		fmt.Fprintln(pipe, "stopped", status.Stopped(), err)
	case "stopped":
		signals := make(chan os.Signal, 16)
		signal.Notify(signals, syscall.SIGHUP)
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		fmt.Fprintln(pipe, "goes on by", <-signals)
	}
}
