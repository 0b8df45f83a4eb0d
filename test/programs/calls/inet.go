// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// inet is connections to the own machine, as packages net and net/http have them.
func inet(string) error {
	for _, f := range []struct{ network, address string }{{"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}, {"tcp", "[::]:0"}} {
		if err := connections(f.network, f.address); err != nil {
			return err
		}
	}
	if err := packets(); err != nil {
		return err
	}
	if err := interfaces(); err != nil {
		return err
	}
	return requests()
}

// connections has clients of a server that answers what it got when they have ended, and one that it throws out.
func connections(network, address string) error {
	l, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	_, err = net.Listen(network, l.Addr().String())
	show("listen again", "", err)
	go answerUpper(l)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"127.0.0.1", "::1"} {
		c, err := net.Dial("tcp", net.JoinHostPort(host, port))
		show(network+" dial "+host, "", err)
		if err != nil {
			continue
		}
		_, _ = io.WriteString(c, strings.Repeat("some text ", 20_000))
		_ = c.(*net.TCPConn).CloseWrite()
		b, err := io.ReadAll(c)
		show("answer", fmt.Sprint(len(b), string(b[:10])), err)
		c.Close()
	}
	address = l.Addr().String()
	l.Close()
	_, err = net.Dial(network, address)
	show("dial nobody", "", err)
	return deadlines(network)
}

// deadlines has one that waits in vain, and one that is reset.
func deadlines(network string) error {
	l, err := net.Listen(network, ":0")
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.Dial(network, l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	other, err := l.Accept()
	if err != nil {
		return err
	}
	b := make([]byte, 8)
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err = c.Read(b)
	fmt.Println("deadline", errors.Is(err, os.ErrDeadlineExceeded))
	_ = c.SetReadDeadline(time.Time{})
	_ = other.(*net.TCPConn).SetLinger(0)
	other.Close()
	_, err = c.Read(b)
	show("read of one that was reset", "", err)
	_, err = c.Write(b)
	show("write to it", "", err)
	return nil
}

// packets are datagrams there and back, and to nobody.
func packets() error {
	a, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := net.Dial("udp", a.LocalAddr().String())
	if err != nil {
		return err
	}
	defer b.Close()
	_, err = b.Write([]byte("a question"))
	show("send", "", err)
	p := make([]byte, 4)
	n, from, err := a.ReadFrom(p)
	show("receive", string(p[:n]), err)
	fmt.Println("from", from.String() == b.LocalAddr().String())
	_, err = a.WriteTo([]byte("an answer"), from)
	show("answer", "", err)
	n, err = b.Read(p)
	show("receive", string(p[:n]), err)
	a.Close()
	_, err = b.Write(p)
	show("send to nobody", "", err)
	_, err = b.Read(p)
	show("hear of it", "", err)
	return nil
}

// interfaces are what is told of loopback.
func interfaces() error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	fmt.Println(lo.Index, lo.MTU, lo.Flags)
	all, err := lo.Addrs()
	if err != nil {
		return err
	}
	for _, a := range all {
		fmt.Println(a)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
}

// requests are those of package net/http, over connections that stay and many at once.
func requests() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	})}
	go func() { _ = s.Serve(l) }()
	errs := make(chan error, 8)
	for i := range cap(errs) {
		go func() { errs <- request("http://"+l.Addr().String(), strings.Repeat("x", i*10_000)) }()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			return err
		}
	}
	fmt.Println("requests")
	return s.Shutdown(context.Background())
}

func request(url, text string) error {
	for range 10 {
		r, err := http.Post(url, "text/plain", strings.NewReader(text))
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || string(b) != text {
			return fmt.Errorf("%d bytes of %d came back: %w", len(b), len(text), err)
		}
	}
	return nil
}
