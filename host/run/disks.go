// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"loam/host/exit"
	"loam/host/vm"
)

// Disk is a file that the machine has as a disk. The service that drives it is disk0, disk1
// and so on.
type Disk struct {
	Path     string
	ReadOnly bool
}

// sectorSize is what a disk's size is a multiple of, in bytes.
const sectorSize = 512

// ParseDisk reads FILE[:ro].
func ParseDisk(text string) (Disk, error) {
	d := Disk{Path: text}
	d.Path, d.ReadOnly = strings.CutSuffix(text, ":ro")
	if d.Path == "" {
		return Disk{}, errors.New("the name of a file is missing")
	}
	return d, nil
}

// open opens the file, and checks that it can be a disk. A disk that is written has one
// machine, one that is read-only as many as like it, as long as none writes it.
func (d *Disk) open() (*os.File, error) {
	flag, lock := os.O_RDWR, syscall.LOCK_EX
	if d.ReadOnly {
		flag, lock = os.O_RDONLY, syscall.LOCK_SH
	}
	f, err := os.OpenFile(d.Path, flag, 0)
	if err != nil {
		return nil, d.refused(err)
	}
	size, err := sizeOf(f)
	switch {
	case err != nil:
	case size == 0:
		err = errors.New("is empty")
	case size%sectorSize != 0:
		err = fmt.Errorf("has %d bytes, which isn't a multiple of %d", size, sectorSize)
	case errors.Is(syscall.Flock(int(f.Fd()), lock|syscall.LOCK_NB), syscall.EWOULDBLOCK):
		// Other errors are of file systems that have no locks.
		err = errors.New("is in use: another machine has it, or this one twice")
	}
	if err != nil {
		_ = f.Close()
		return nil, d.refused(err)
	}
	return f, nil
}

// sizeOf gives the size of what can be a disk: a file, or a device of the host's.
func sizeOf(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	m := info.Mode()
	switch {
	case m.IsRegular():
		return info.Size(), nil
	case m.IsDir():
		return 0, errors.New("is a folder")
	case m&fs.ModeDevice == 0 || m&fs.ModeCharDevice != 0:
		return 0, errors.New("is neither a file nor a disk")
	}
	return f.Seek(0, io.SeekEnd)
}

// refused says why a file is no disk.
func (d *Disk) refused(err error) error {
	e := exit.Errorf(exit.Loam, "--disk: %s %v", d.Path, err)
	var p *fs.PathError
	if errors.As(err, &p) {
		e = exit.Errorf(exit.Loam, "--disk: %s: %v", d.Path, p.Err)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Hint = "a disk of 1 GiB: truncate -s 1G " + d.Path
	case errors.Is(err, fs.ErrPermission) && !d.ReadOnly:
		e.Hint = "to read it only: --disk " + d.Path + ":ro"
	}
	return e
}

// Memory of a disk's driver: for queues and requests, and for data (package user/diskd).
const (
	diskQueues = "64K"
	diskData   = "4M"
)

// device opens disk number i.
func (d *Disk) device(i int) (device, error) {
	f, err := d.open()
	if err != nil {
		return device{}, err
	}
	// QEMU would try to open it read-only first, for which the set has no descriptor.
	drive := fmt.Sprintf("if=none,id=disk%d,format=raw,discard=unmap,auto-read-only=off,file=/dev/fdset/%d", i, i)
	if d.ReadOnly {
		drive += ",readonly=on"
	}
	return device{
		flag: "--disk", service: fmt.Sprintf("disk%d", i), program: "disk", dma: []string{diskQueues, diskData},
		attach: func() (vm.Device, error) {
			return vm.Device{Model: "virtio-blk", Props: fmt.Sprintf("drive=disk%d", i), Needs: []vm.Arg{
				{Option: "-add-fd", Value: fmt.Sprintf("set=%d,fd=%s", i, vm.FD), File: f},
				{Option: "-drive", Value: drive},
			}}, nil
		},
		close: f.Close,
	}, nil
}
