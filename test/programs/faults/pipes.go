// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Sizes at the edges: a byte, what is written at once (PIPE_BUF), and what a pipe takes.
const (
	atOnce   = 4096
	capacity = 65536
)

var edges = []int{1, 2, atOnce - 1, atOnce, atOnce + 1, 2*atOnce - 1, 2 * atOnce, 2*atOnce + 1,
	capacity - atOnce, capacity - 1, capacity, capacity + 1, 2 * capacity, 1 << 20}

// pattern is what is written: a period that no size here is a multiple of.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}

func newPipe(flags int) (r, w int, err error) {
	var fds [2]int
	err = unix.Pipe2(fds[:], flags|unix.O_CLOEXEC)
	return fds[0], fds[1], err
}

func pipes() error {
	for _, part := range []func() error{through, filled, drained, resized, broken} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// again makes a call until no signal ends it: Go's runtime sends some.
func again(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// through writes each size by one call, and reads it in pieces of each size.
func through() error {
	for _, size := range edges {
		for _, piece := range edges {
			if size/piece > 1<<8 {
				continue
			}
			if err := throughOne(size, piece); err != nil {
				return fmt.Errorf("%d by %d: %w", size, piece, err)
			}
		}
	}
	return nil
}

func throughOne(size, piece int) error {
	r, w, err := newPipe(0)
	if err != nil {
		return err
	}
	defer unix.Close(r)
	text := pattern(size)
	write := func() error {
		n, err := again(func() (int, error) { return unix.Write(w, text) })
		if err == nil && n != size {
			err = fmt.Errorf("%d of %d are written", n, size)
		}
		return errors.Join(err, unix.Close(w))
	}
	written := make(chan error, 1)
	if size <= capacity { // then what each read gets is known
		written <- write()
	} else {
		go func() { written <- write() }()
	}
	at, reads, buf := 0, 0, make([]byte, piece)
	for {
		n, err := again(func() (int, error) { return unix.Read(r, buf) })
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		for i, b := range buf[:n] {
			if b != byte((at+i)%251) {
				return fmt.Errorf("byte %d is another", at+i)
			}
		}
		at, reads = at+n, reads+1
	}
	if size <= capacity {
		fmt.Println(size, "by", piece, "in", reads)
	}
	if at != size {
		return fmt.Errorf("%d are read", at)
	}
	return <-written
}

// ofPages reports whether a size is of whole pages: Linux keeps what is written in pages of its own, so that for others
// it is a matter of its pages how much a pipe takes.
func ofPages(n int) bool { return n%atOnce == 0 }

// filled writes pieces of each size until there is no room, and says how much that was.
func filled() error {
	for _, piece := range edges {
		if piece < atOnce-1 || piece > atOnce && !ofPages(piece) { // a byte at a time is 65,536 calls
			continue
		}
		r, w, err := newPipe(unix.O_NONBLOCK)
		if err != nil {
			return err
		}
		total, writes, last := fill(w, piece)
		waiting, err := unix.IoctlGetInt(r, unix.TIOCINQ)
		fmt.Println("filled by", piece, total, writes, last, waiting, err)
		if err := errors.Join(unix.Close(r), unix.Close(w)); err != nil {
			return err
		}
	}
	return nil
}

// fill gives how much was taken, by how many writes, and the last one's error.
func fill(w, piece int) (total, writes int, err error) {
	text := pattern(piece)
	for {
		n, err := unix.Write(w, text)
		if err != nil {
			return total, writes, err
		}
		total, writes = total+n, writes+1
	}
}

// drained reads a little from a full pipe: how much room that makes, and whether poll says so.
func drained() error {
	for _, out := range edges {
		if !ofPages(out) {
			continue
		}
		for _, in := range edges {
			r, w, err := newPipe(unix.O_NONBLOCK)
			if err != nil {
				return err
			}
			fill(w, capacity)
			got, err := unix.Read(r, make([]byte, out))
			if err != nil {
				return err
			}
			polled := []unix.PollFd{{Fd: int32(r), Events: unix.POLLIN}, {Fd: int32(w), Events: unix.POLLOUT}}
			if _, err := again(func() (int, error) { return unix.Poll(polled, 0) }); err != nil {
				return err
			}
			n, err := unix.Write(w, pattern(in))
			fmt.Println("drained of", got, polled[0].Revents, polled[1].Revents, "takes", in, n, err)
			if err := errors.Join(unix.Close(r), unix.Close(w)); err != nil {
				return err
			}
		}
	}
	return nil
}

// resized changes how much a pipe takes, empty and with something in it.
func resized() error {
	r, w, err := newPipe(unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	for _, size := range []int{1, atOnce, atOnce + 1, capacity, 1 << 20, 0} {
		got, err := unix.FcntlInt(uintptr(w), unix.F_SETPIPE_SZ, size)
		total, writes, last := fill(w, atOnce)
		smaller, err2 := unix.FcntlInt(uintptr(w), unix.F_SETPIPE_SZ, atOnce)
		fmt.Println("size", size, got, err, total, writes, last, smaller, err2)
		for {
			if n, err := unix.Read(r, make([]byte, capacity)); n <= 0 || err != nil {
				fmt.Println("empty", n, err)
				break
			}
		}
	}
	return errors.Join(unix.Close(r), unix.Close(w))
}

// broken closes the other end while somebody waits, and before.
func broken() error {
	for _, size := range edges {
		r, w, err := newPipe(0)
		if err != nil {
			return err
		}
		type end struct {
			n   int
			err error
		}
		done := make(chan end)
		go func() {
			n, err := again(func() (int, error) { return unix.Write(w, pattern(size)) })
			done <- end{n, err}
		}()
		for waiting := 0; waiting < min(size, capacity); {
			if waiting, err = unix.IoctlGetInt(r, unix.TIOCINQ); err != nil {
				return err
			}
		}
		if err := unix.Close(r); err != nil {
			return err
		}
		e := <-done
		_, err = unix.Write(w, []byte("x"))
		fmt.Println("broken", size, e.n, e.err, err)
		if err := unix.Close(w); err != nil {
			return err
		}
	}
	return nil
}
