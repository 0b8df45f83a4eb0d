// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sockets are unix sockets as package net has them, and what that has no way to ask for.
func sockets(dir string) error {
	if err := streams(filepath.Join(dir, "stream")); err != nil {
		return err
	}
	if err := streams("@loam-calls-stream"); err != nil {
		return err
	}
	if err := datagrams(dir); err != nil {
		return err
	}
	if err := files(dir); err != nil {
		return err
	}
	return pairs()
}

// answerUpper answers those who connect in upper case, each when it has ended.
func answerUpper(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			b, _ := io.ReadAll(c)
			_, _ = c.Write([]byte(strings.ToUpper(string(b))))
		}()
	}
}

// streams has a server that answers in upper case, and clients.
func streams(name string) error {
	l, err := net.Listen("unix", name)
	if err != nil {
		return err
	}
	defer l.Close()
	go answerUpper(l)
	_, err = net.Listen("unix", name)
	show("listen again", "", err)
	done := make(chan string, 20)
	for i := range 20 {
		go func() {
			c, err := net.Dial("unix", name)
			if err != nil {
				done <- err.Error()
				return
			}
			defer c.Close()
			_, _ = fmt.Fprintf(c, "client %d %s", i/20, strings.Repeat("x", 300_000))
			_ = c.(*net.UnixConn).CloseWrite()
			b, err := io.ReadAll(c)
			done <- fmt.Sprint(string(b[:8]), len(b), err)
		}()
	}
	for range 20 {
		fmt.Println(<-done)
	}
	c, err := net.Dial("unix", name)
	if err != nil {
		return err
	}
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	_ = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		if err == nil {
			fmt.Println("peer", int(cred.Pid) == os.Getpid(), int(cred.Uid) == os.Getuid())
		}
		show("peer", "", err)
	})
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err = c.Read(make([]byte, 1))
	fmt.Println("deadline", errors.Is(err, os.ErrDeadlineExceeded))
	fmt.Println("names", filepath.Base(c.RemoteAddr().String()), c.LocalAddr())
	c.Close()
	l.Close()
	_, err = net.Dial("unix", name)
	var e syscall.Errno
	fmt.Println("nobody listens", errors.As(err, &e), e)
	return nil
}

func datagrams(dir string) error {
	a, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "a"), Net: "unixgram"})
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := net.DialUnix("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "b"), Net: "unixgram"}, &net.UnixAddr{Name: filepath.Join(dir, "a"), Net: "unixgram"})
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = b.Write([]byte("one"))
	show("write", "", err)
	_, err = b.Write([]byte("two and more"))
	show("write", "", err)
	buf := make([]byte, 5)
	for range 2 {
		n, from, err := a.ReadFromUnix(buf)
		show("read", string(buf[:n])+" from "+filepath.Base(from.Name), err)
	}
	sent := make(chan int)
	go func() { // more than fit
		n := 0
		for range 100 {
			if _, err := b.Write([]byte("many")); err == nil {
				n++
			}
		}
		sent <- n
	}()
	time.Sleep(20 * time.Millisecond)
	for range 100 {
		if _, err := a.Read(buf); err != nil {
			return err
		}
	}
	fmt.Println("datagrams", <-sent)
	return nil
}

// files sends them over a socket, with who sends.
func files(dir string) error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fds[1])
	show("pass credentials", "", unix.SetsockoptInt(fds[1], unix.SOL_SOCKET, unix.SO_PASSCRED, 1))
	f, err := os.Create(filepath.Join(dir, "sent"))
	if err != nil {
		return err
	}
	_, _ = f.WriteString("by another descriptor")
	show("send", "", unix.Sendmsg(fds[0], []byte("a file"), unix.UnixRights(int(f.Fd())), nil, 0))
	f.Close()
	unix.Close(fds[0])
	b, oob := make([]byte, 20), make([]byte, 200)
	n, on, flags, _, err := unix.Recvmsg(fds[1], b, oob, unix.MSG_CMSG_CLOEXEC)
	show("receive", fmt.Sprint(string(b[:n]), flags == unix.MSG_CMSG_CLOEXEC), err)
	all, err := unix.ParseSocketControlMessage(oob[:on])
	show("control", len(all), err)
	for _, m := range all {
		if cred, err := unix.ParseUnixCredentials(&m); err == nil {
			fmt.Println("from", int(cred.Pid) == os.Getpid(), int(cred.Uid) == os.Getuid())
			continue
		}
		got, err := unix.ParseUnixRights(&m)
		show("rights", len(got), err)
		for _, fd := range got {
			g := os.NewFile(uintptr(fd), "got")
			text := make([]byte, 30)
			n, err := g.ReadAt(text, 0)
			show("read", string(text[:n]), err)
			g.Close()
		}
	}
	n, err = unix.Read(fds[1], b)
	show("end", n, err)
	return nil
}

// pairs are about what ends a connection.
func pairs() error {
	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		fds, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
		if err != nil {
			return err
		}
		_, err = unix.Write(fds[0], []byte("first"))
		show("write", "", err)
		_, err = unix.Write(fds[0], []byte("second"))
		show("write", "", err)
		b := make([]byte, 8)
		n, err := unix.Read(fds[1], b)
		show("read", string(b[:n]), err)
		tv := unix.NsecToTimeval(10_000_000)
		show("timeout", "", unix.SetsockoptTimeval(fds[0], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv))
		_, err = unix.Read(fds[0], b)
		show("nothing comes", "", err)
		unix.Close(fds[1])
		n, err = unix.Read(fds[0], b)
		show("read", n, err)
		show("send", "", unix.Sendto(fds[0], b, unix.MSG_NOSIGNAL, nil))
		unix.Close(fds[0])
	}
	return nil
}
