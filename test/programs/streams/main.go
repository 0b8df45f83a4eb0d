//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

// Command streams is both sides of the tests of the console streams: a program that uses them, and
// a driver that is killed again and again. Its first argument says which.
package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"loam/user/ipc"
	"loam/user/object"
	"loam/user/streamd"
	"loam/user/streams"
)

func main() {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	switch role {
	case "driver": // KILLS LEAST MOST: it is killed so often, after so many us
		supervise(number(2), number(3), number(4))
	case "drive":
		check(streamd.Run(nil))
	case "echo": // CODE
		echo()
		os.Exit(number(2))
	case "copy":
		s := attach()
		_, err := io.CopyBuffer(struct{ io.Writer }{s.Out}, struct{ io.Reader }{s.In}, make([]byte, 128<<10))
		check(err)
	case "write": // TIMES: 4 KiB at once
		write(number(2))
	case "costs": // TIMES
		costs(number(2))
	case "terminal":
		terminal()
	default:
		fmt.Fprintln(os.Stderr, "streams: which role?")
		os.Exit(99)
	}
}

func attach() *streams.Streams {
	s, err := streams.Open(ipc.Endpoint(object.Given(0)))
	check(err)
	return s
}

// echo writes to stdout what comes at stdin, and to stderr the complement of each byte, with both ways
// at once as full as they get.
func echo() {
	s := attach()
	in, end := make([]byte, 70_001), false
	out, back := []byte{}, []byte{}
	changed := make(chan struct{}, 1)
	wake := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	s.In.OnReady(wake)
	s.Out.OnReady(wake)
	s.Err.OnReady(wake)
	for !end || len(out) > 0 || len(back) > 0 {
		did := false
		if !end && len(out) < len(in) && len(back) < len(in) {
			n, eof := s.In.TryRead(in)
			check(s.Failure())
			end = eof
			did = n > 0 || eof
			out = append(out, in[:n]...)
			for _, b := range in[:n] {
				back = append(back, ^b)
			}
		}
		if len(out) > 0 {
			n := s.Out.TryWrite(out)
			out, did = out[n:], did || n > 0
		}
		if len(back) > 0 {
			n := s.Err.TryWrite(back)
			back, did = back[n:], did || n > 0
		}
		if !did {
			<-changed
		}
	}
	check(s.Failure())
}

// write writes 4 KiB, several times, each when the one before has gone.
func write(times int) {
	s := attach()
	page := make([]byte, 4096)
	for i := range page {
		page[i] = byte(i)
	}
	for range times {
		_, err := s.Out.Write(page)
		check(err)
	}
}

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "streams:", err)
		os.Exit(98)
	}
}
