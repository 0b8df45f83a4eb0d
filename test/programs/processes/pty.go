// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Programs behind a pseudo terminal.

// typist has the master of a pseudo terminal, and reads what comes until it is what it waits for.
type typist struct {
	master *os.File
	slave  *os.File
	name   string
	seen   string
}

// newTypist makes a pseudo terminal, as openpty(3) does.
func newTypist() (*typist, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	fd := int(master.Fd())
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprint("/dev/pts/", number)
	_, err = os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	fmt.Println("locked", errors.Is(err, syscall.EIO))
	fmt.Println("unlocked", unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	slave, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	var mine, its unix.Stat_t
	_ = unix.Fstat(fd, &mine)
	_ = unix.Stat(name, &its)
	fmt.Println(mine.Rdev == unix.Mkdev(5, 2), its.Rdev == unix.Mkdev(136, uint32(number)), its.Mode&unix.S_IFMT == unix.S_IFCHR)
	link, err := os.Readlink(fmt.Sprint("/proc/self/fd/", slave.Fd()))
	fmt.Println("ttyname", link == name, err)
	return &typist{master: master, slave: slave, name: name}, nil
}

// start starts a program with the terminal as its own.
func (t *typist) start(c *exec.Cmd) error {
	c.Stdin, c.Stdout, c.Stderr = t.slave, t.slave, t.slave
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	return c.Start()
}

// await waits for a text, which comes once.
func (t *typist) await(text string) error {
	b := make([]byte, 1000)
	_ = t.master.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		if before, after, ok := strings.Cut(t.seen, text); ok {
			t.seen = after
			fmt.Printf("seen %q %v\n", text, strings.Contains(before, "\r\n"))
			return nil
		}
		n, err := t.master.Read(b)
		t.seen += string(b[:n])
		if err != nil {
			return fmt.Errorf("%q, and then %w", t.seen, err)
		}
	}
}

// testPty has a shell's work done behind a pseudo terminal, and then a program hear of changes of it, and of its end.
func testPty() error {
	t, err := newTypist()
	if err != nil {
		return err
	}
	shell := exec.Command(self, "jobs")
	if err := t.start(shell); err != nil {
		return err
	}
	for _, s := range []struct{ await, types string }{
		{"mine true <nil>", "first\n"}, {"a job reads first <nil>", ""}, {"stopped by stopped (tty input)", ""}, {"given <nil> <nil>", "secx\x7fond\n"},
		{"a job reads second <nil>", ""}, {"interrupt it", "\x03"}, {"killed by interrupt", ""}, {"taken back <nil>", ""},
	} {
		if err := t.await(s.await); err != nil {
			return err
		}
		if _, err := t.master.WriteString(s.types); err != nil {
			return err
		}
	}
	fmt.Println(shell.Wait())
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	c := me("pty", t.name)
	c.ExtraFiles = []*os.File{w}
	if err := t.start(c); err != nil {
		return err
	}
	w.Close()
	t.slave.Close()
	if err := t.await("begun"); err != nil {
		return err
	}
	fmt.Println(unix.IoctlSetWinsize(int(t.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 12, Col: 34}))
	if err := t.await("12 34"); err != nil {
		return err
	}
	fmt.Println(t.master.Close())
	_, err = os.Stat(t.name)
	fmt.Println("its name", err != nil)
	for lines := bufio.NewScanner(r); lines.Scan(); {
		fmt.Println(lines.Text())
	}
	fmt.Println(c.Wait())
	return nil
}

// ptyChild is a session's leader: it says what its terminal is, and what it hears of its end.
func ptyChild(name string) {
	heard := make(chan os.Signal, 4)
	signal.Notify(heard, syscall.SIGWINCH, syscall.SIGHUP)
	w := os.NewFile(3, "log")
	link, err := os.Readlink("/proc/self/fd/0")
	fmt.Fprintln(w, link == name, err)
	own, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	fmt.Fprintln(w, "own", err)
	var st unix.Stat_t
	_ = unix.Fstat(0, &st)
	stat := strings.Fields(read("/proc/self/stat"))
	fmt.Fprintln(w, stat[6] == fmt.Sprint(st.Rdev), stat[7] == stat[4])
	group, err := foreground(0)
	fmt.Fprintln(w, group == syscall.Getpgrp(), err)
	fmt.Fprintln(own, "begun")
	fmt.Fprintln(w, <-heard)
	size, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
	fmt.Fprintln(w, err)
	fmt.Println(size.Row, size.Col)
	fmt.Fprintln(w, <-heard)
	n, err := unix.Read(0, make([]byte, 10))
	fmt.Fprintln(w, "read", n, err)
	_, err = unix.Write(1, []byte("x"))
	fmt.Fprintln(w, "write", err)
	_, err = unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
	fmt.Fprintln(w, "ioctl", err)
	_, err = os.OpenFile("/dev/tty", os.O_RDWR, 0)
	fmt.Fprintln(w, err)
}
