// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import "golang.org/x/sys/unix"

// networkWaits are of TCP on loopback. How much Linux takes of what is sent is left to its buffers, so sending isn't among them.
var networkWaits = []wait{
	{"accept of TCP", func(m *maker) (call, act) {
		listening, name := m.tcpListener()
		return func() (int, error) {
			fd, _, err := unix.Accept4(listening, unix.SOCK_CLOEXEC)
			if err == nil {
				err = unix.Close(fd)
			}
			return 0, err
		}, func() error { return unix.Connect(m.tcpSocket(), name) }
	}},
	{"recv of TCP", func(m *maker) (call, act) {
		a, b := m.connection()
		return func() (int, error) { n, _, err := unix.Recvfrom(a, make([]byte, 8), 0); return n, err }, writeByte(b)
	}},
	{"splice from TCP", func(m *maker) (call, act) {
		a, b := m.connection()
		_, to := m.pipe()
		return func() (int, error) { n, err := unix.Splice(a, nil, to, nil, 10, 0); return int(n), err }, writeByte(b)
	}},
}

func (m *maker) tcpSocket() int {
	return m.fd(unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0))
}

func (m *maker) tcpListener() (int, unix.Sockaddr) {
	fd := m.tcpSocket()
	fail(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	fail(unix.Listen(fd, 1))
	name, err := unix.Getsockname(fd)
	fail(err)
	return fd, name
}

// connection makes two ends of one.
func (m *maker) connection() (a, b int) {
	listening, name := m.tcpListener()
	a = m.tcpSocket()
	fail(unix.Connect(a, name))
	fd, _, err := unix.Accept4(listening, unix.SOCK_CLOEXEC)
	return a, m.fd(fd, err)
}
