// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// networkSize is how many bytes go each way, networkTrips how often a byte goes there and back.
const (
	networkSize  = 64 << 20
	networkTrips = 1000
)

// network sends to a server of the host's and receives from it: a byte says what a connection is for.
func network(address string) error {
	c, err := net.Dial("tcp4", address) // the network is there with the first
	if err != nil {
		return err
	}
	_ = c.Close()
	buffer := make([]byte, 128<<10)
	for _, r := range []struct {
		name string
		what byte
		run  func(c net.Conn) (int64, error)
	}{
		{"network_send", 's', func(c net.Conn) (int64, error) { return sendAll(c, buffer) }},
		{"network_receive", 'r', func(c net.Conn) (int64, error) { return receiveAll(c, buffer) }},
		{"network_trips", 'e', func(c net.Conn) (int64, error) { return trips(c, buffer[:1]) }},
	} {
		c, err := net.Dial("tcp4", address)
		if err != nil {
			return err
		}
		if _, err := c.Write([]byte{r.what}); err != nil {
			return err
		}
		err = measure(r.name, func() (int64, error) { return r.run(c) })
		_ = c.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// sendAll sends, and waits until all of it was received.
func sendAll(c net.Conn, b []byte) (n int64, err error) {
	for n < networkSize {
		m, err := c.Write(b)
		if n += int64(m); err != nil {
			return n, err
		}
	}
	_, err = io.ReadFull(c, b[:1])
	return n, err
}

func receiveAll(c net.Conn, b []byte) (n int64, err error) {
	for n < networkSize {
		m, err := c.Read(b)
		if n += int64(m); err != nil {
			return n, err
		}
	}
	return n, nil
}

func trips(c net.Conn, b []byte) (n int64, err error) {
	for range networkTrips {
		if _, err := c.Write(b); err != nil {
			return n, err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// answer answers one HTTP request after the other, for as long as it is let.
func answer() error {
	l, err := net.Listen("tcp4", ":80")
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			_, _ = c.Read(make([]byte, 1000))
			_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello")
		}()
	}
}

// linkUp has Linux's interface have the address that QEMU's network gives: without a client of DHCP, in Linux's favour.
func linkUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	address, mask, flags := request(), request(), request()
	flags.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := errors.Join(address.SetInet4Addr([]byte{10, 0, 2, 15}), mask.SetInet4Addr([]byte{255, 255, 255, 0})); err != nil {
		return err
	}
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		err := errors.Join(unix.IoctlIfreq(fd, unix.SIOCSIFADDR, address), unix.IoctlIfreq(fd, unix.SIOCSIFNETMASK, mask),
			unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, flags))
		if err == nil || time.Since(begun) > 10*time.Second {
			return err
		}
	}
}

func request() *unix.Ifreq {
	r, err := unix.NewIfreq("eth0")
	check(err)
	return r
}
