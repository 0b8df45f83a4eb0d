// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// waiting are timers, watched files, and epolls in epolls.
func waiting(dir string) error {
	if err := timers(); err != nil {
		return err
	}
	if err := watches(dir); err != nil {
		return err
	}
	return spliced(dir)
}

// timers waits for a timer that goes off again and again, by an epoll that an epoll watches.
func timers() error {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	inner, err := unix.EpollCreate1(0)
	if err != nil {
		return err
	}
	defer unix.Close(inner)
	outer, err := unix.EpollCreate1(0)
	if err != nil {
		return err
	}
	defer unix.Close(outer)
	show("watch", "", unix.EpollCtl(inner, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 1}))
	show("watch", "", unix.EpollCtl(outer, unix.EPOLL_CTL_ADD, inner, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: 2}))
	show("in a circle", "", unix.EpollCtl(inner, unix.EPOLL_CTL_ADD, outer, &unix.EpollEvent{Events: unix.EPOLLIN}))
	b := make([]byte, 8)
	_, err = unix.Read(fd, b)
	show("not set", "", err)
	begin := time.Now()
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(10_000_000), Interval: unix.NsecToTimespec(5_000_000)}
	show("set", "", unix.TimerfdSettime(fd, 0, &spec, nil))
	events := make([]unix.EpollEvent, 4)
	n, err := unix.EpollWait(outer, events, 5000)
	show("outer", fmt.Sprint(n, events[0].Fd, time.Since(begin) >= 10*time.Millisecond), err)
	n, err = unix.EpollWait(inner, events, 5000)
	show("inner", fmt.Sprint(n, events[0].Fd), err)
	time.Sleep(20 * time.Millisecond)
	_, err = unix.Read(fd, b)
	show("went off several times", binary.LittleEndian.Uint64(b) >= 4, err)
	show("stop", "", unix.TimerfdSettime(fd, 0, &unix.ItimerSpec{}, nil))
	now := time.Now().Round(0).Add(10 * time.Millisecond) // by that clock alone: the other one is read a little later
	rfd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, 0)
	if err != nil {
		return err
	}
	defer unix.Close(rfd)
	show("set", "", unix.TimerfdSettime(rfd, unix.TFD_TIMER_ABSTIME, &unix.ItimerSpec{Value: unix.NsecToTimespec(now.UnixNano())}, nil))
	_, err = unix.Read(rfd, b)
	show("at a time", fmt.Sprint(binary.LittleEndian.Uint64(b), !time.Now().Before(now)), err)
	return nil
}

// watches has a goroutine read what happens in a folder.
func watches(dir string) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), "inotify")
	defer f.Close()
	wd, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE|unix.IN_DELETE|unix.IN_MODIFY|unix.IN_MOVE|unix.IN_ATTRIB|unix.IN_DELETE_SELF)
	show("watch", wd, err)
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		b := make([]byte, 4096)
		for {
			n, err := f.Read(b)
			if err != nil {
				return
			}
			for p := b[:n]; len(p) >= 16; {
				size := binary.LittleEndian.Uint32(p[12:])
				name := string(p[16 : 16+size])
				for len(name) > 0 && name[len(name)-1] == 0 {
					name = name[:len(name)-1]
				}
				lines <- fmt.Sprintf("%d %#x %s", binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:]), name)
				p = p[16+size:]
			}
		}
	}()
	name := func(n string) string { return filepath.Join(dir, n) }
	steps := []func() error{
		func() error { return os.WriteFile(name("new"), []byte("text"), 0o600) },
		func() error { return os.Chmod(name("new"), 0o644) },
		func() error { return os.Rename(name("new"), name("other")) },
		func() error { return os.Mkdir(name("sub"), 0o700) },
		func() error { return os.Remove(name("sub")) },
		func() error { return os.Remove(name("other")) },
	}
	for i, step := range steps {
		show(fmt.Sprint("step ", i), "", step())
		for quiet := false; !quiet; {
			select {
			case line := <-lines:
				fmt.Println(line)
			case <-time.After(300 * time.Millisecond): // also on a busy host
				quiet = true
			}
		}
	}
	return nil
}

// spliced moves bytes as package io does where it can: from a file to a socket, and from there to a file.
func spliced(dir string) error {
	from, err := os.Create(filepath.Join(dir, "from"))
	if err != nil {
		return err
	}
	defer from.Close()
	content := make([]byte, 700_000)
	for i := range content {
		content[i] = byte(i >> 8)
	}
	if _, err := from.Write(content); err != nil {
		return err
	}
	if _, err := from.Seek(0, 0); err != nil {
		return err
	}
	l, err := net.Listen("unix", "@loam-calls-splice")
	if err != nil {
		return err
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		c, err := net.Dial("unix", "@loam-calls-splice")
		if err == nil {
			_, err = io.Copy(c, from)
			c.Close()
		}
		done <- err
	}()
	c, err := l.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	to, err := os.Create(filepath.Join(dir, "to"))
	if err != nil {
		return err
	}
	defer to.Close()
	n, err := io.Copy(to, c)
	show("copied", n, err)
	show("sent", "", <-done)
	got, err := os.ReadFile(to.Name())
	show("the same", string(got) == string(content), err)
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", to.Fd()))
	show("name", filepath.Base(name), err)
	return nil
}
