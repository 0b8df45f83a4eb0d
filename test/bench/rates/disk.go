// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"context"
	"io"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"

	"loam/user/diskd"
	"loam/user/ipc"
	"loam/user/object"
)

// blocks is a disk: a device of Linux's, or one by its service.
type blocks interface {
	io.ReaderAt
	io.WriterAt
	Flush() error
	Size() int64
}

const small = 4096

// disk reads and writes a disk: by memory that the device reaches, which is O_DIRECT on Linux, and
// by other memory, which Linux has in its cache meanwhile. Without a name it is Loam's.
func disk(device string) error {
	var direct, copied blocks
	var memory []byte
	if device == "" {
		d, err := diskd.Open(context.Background(), ipc.Endpoint(object.Given(0)))
		if err != nil {
			return err
		}
		direct, copied, memory = d, d, d.Alloc(once)
	} else {
		var err error
		if copied, err = openDevice(device, 0); err != nil {
			return err
		}
		if direct, err = openDevice(device, unix.O_DIRECT); err != nil {
			return err
		}
		if memory, err = unix.Mmap(-1, 0, once, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE); err != nil {
			return err
		}
	}
	if _, err := smallReads(direct, memory[:small], 100); err != nil { // an emulator translates code when it is first run
		return err
	}
	other := make([]byte, once)
	for i := 0; i < once; i += small {
		memory[i], other[i] = 1, 1
	}
	for _, r := range []struct {
		name string
		run  func() (int64, error)
	}{
		{"disk_read_direct", func() (int64, error) { return again(direct, memory, direct.ReadAt) }},
		{"disk_read", func() (int64, error) { return through(copied, other, copied.ReadAt) }},
		{"disk_read_small", func() (int64, error) { return smallReads(direct, memory[:small], 5000) }},
		{"disk_write_direct", func() (int64, error) { return again(direct, memory, direct.WriteAt) }},
		{"disk_write", func() (int64, error) { return through(copied, other, copied.WriteAt) }},
		{"disk_flush", func() (int64, error) { return flushes(direct, memory[:small]) }},
	} {
		if err := measure(r.name, r.run); err != nil {
			return err
		}
	}
	return nil
}

// through does something with all of a disk, in order, and makes stable what was written.
func through(d blocks, p []byte, do func(p []byte, off int64) (int, error)) (n int64, err error) {
	for n < d.Size() {
		m, err := do(p[:min(int64(len(p)), d.Size()-n)], n)
		if err != nil {
			return n, err
		}
		n += int64(m)
	}
	return n, d.Flush()
}

// again is through, four times: nothing is kept in between.
func again(d blocks, p []byte, do func(p []byte, off int64) (int, error)) (n int64, err error) {
	for range 4 {
		m, err := through(d, p, do)
		if n += m; err != nil {
			return n, err
		}
	}
	return n, nil
}

// smallReads reads here and there.
func smallReads(d blocks, p []byte, count int64) (n int64, err error) {
	random := rand.New(rand.NewPCG(1, 1))
	for range count {
		if _, err := d.ReadAt(p, random.Int64N(d.Size()/small)*small); err != nil {
			return 0, err
		}
	}
	return count, nil
}

// flushes writes a little again and again, and makes each stable.
func flushes(d blocks, p []byte) (n int64, err error) {
	const count = 300
	for i := range int64(count) {
		if _, err := d.WriteAt(p, i*small); err != nil {
			return 0, err
		}
		if err := d.Flush(); err != nil {
			return 0, err
		}
	}
	return count, nil
}

// linuxDisk is a device of Linux's.
type linuxDisk struct {
	*os.File
	size int64
}

// openDevice opens one.
func openDevice(path string, flags int) (blocks, error) {
	f, err := awaitDevice(path, os.O_RDWR|flags)
	if err != nil {
		return nil, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	return linuxDisk{f, size}, err
}

func (d linuxDisk) Flush() error { return d.Sync() }
func (d linuxDisk) Size() int64  { return d.size }
