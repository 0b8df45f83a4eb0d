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
