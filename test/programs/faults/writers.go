// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	manyWriters = 6
	manyRecords = 40
)

// writers has threads and processes write records to one pipe, which stay whole if they aren't longer than what is
// atOnce, whether writers wait or not.
func writers() error {
	if len(os.Args) > 3 { // one of the processes: its number, and how long its records are
		return writeRecords(1, byte(number(os.Args[2])), number(os.Args[3]))
	}
	for _, size := range []int{2, 100, 1000, atOnce - 1, atOnce} {
		for _, flags := range []int{0, unix.O_NONBLOCK} {
			if err := together(size, flags); err != nil {
				return fmt.Errorf("records of %d: %w", size, err)
			}
		}
	}
	return nil
}

// writeRecords writes records of a writer, each of which begins with the writer's number and is full of the record's.
func writeRecords(fd int, who byte, size int) error {
	record := make([]byte, size)
	for i := range manyRecords {
		for j := range record {
			record[j] = byte(i)
		}
		record[0] = who
		for {
			n, err := unix.Write(fd, record)
			if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
				runtime.Gosched()
				continue
			}
			if err == nil && n != size {
				err = fmt.Errorf("%d of %d are written", n, size)
			}
			if err != nil {
				return err
			}
			break
		}
	}
	return nil
}

func together(size, flags int) error {
	r, w, err := newPipe(flags)
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(r, false); err != nil {
		return err
	}
	ended := make(chan error, manyWriters)
	for who := range manyWriters {
		if who%2 == 0 {
			go func() { ended <- writeRecords(w, byte(who), size) }()
			continue
		}
		fd, err := unix.FcntlInt(uintptr(w), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return err
		}
		out := os.NewFile(uintptr(fd), "pipe")
		c := exec.Command("/proc/self/exe", "writers", fmt.Sprint(who), fmt.Sprint(size))
		c.Stdout, c.Stderr = out, os.Stderr
		if err := c.Start(); err != nil {
			return err
		}
		out.Close()
		go func() { ended <- c.Wait() }()
	}
	whole := make(chan error, 1)
	go func() { whole <- readRecords(r, size) }()
	for range manyWriters {
		err = errors.Join(err, <-ended)
	}
	err = errors.Join(err, unix.Close(w), <-whole, unix.Close(r))
	fmt.Println("records of", size, flags != 0, err)
	return err
}

// readRecords reads all records in pieces of odd sizes, and checks that each is whole, and each writer's in order.
func readRecords(fd, size int) error {
	all, buf := []byte{}, make([]byte, 3001)
	for {
		n, err := again(func() (int, error) { return unix.Read(fd, buf) })
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		all = append(all, buf[:n]...)
	}
	if len(all) != manyWriters*manyRecords*size {
		return io.ErrUnexpectedEOF
	}
	var next [manyWriters]byte
	for at := 0; at < len(all); at += size {
		record := all[at : at+size]
		who := record[0]
		if int(who) >= manyWriters {
			return fmt.Errorf("at %d is no record: %x", at, binary.BigEndian.Uint16(record))
		}
		for _, b := range record[1:] {
			if b != next[who] {
				return fmt.Errorf("a record of %d is torn", who)
			}
		}
		next[who]++
	}
	return nil
}
