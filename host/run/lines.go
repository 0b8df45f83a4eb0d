// SPDX-License-Identifier: Apache-2.0

package run

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"loam/host/vm"
	"loam/internal/terminal"
)

// Ports of the device of the console streams, in the order of terminal.Ports.
const (
	lineStdin = iota
	lineStdout
	lineStderr
	lineControl
	numLines
)

// lines are the connections to that device, of one attempt to run the machine.
type lines struct {
	ours, theirs [numLines]*os.File
	discard      bool // QEMU throws stdout away
}

// readAhead is about how many bytes of stdin are on the way to the machine at most, beside those that it
// has taken. What is there when the program ends is lost to who reads the same input next.
const readAhead = 32 << 10

// device is the device, and its service.
func (l *lines) device(flag string, driver []string) device {
	d := device{
		flag: flag, service: streamsName, program: "streams",
		dma:    []string{fmt.Sprintf("%dK", terminal.DriverMemory>>10), fmt.Sprintf("%dK", terminal.RingsMemory>>10)},
		lines:  []string{"drain"},
		attach: l.attach, close: l.close,
	}
	if len(driver) > 0 {
		d.program, d.file, d.args = "", driver[0], driver[1:]
	}
	return d
}

// attach makes the connections.
func (l *lines) attach() (vm.Device, error) {
	_ = l.close()
	d := vm.Device{Model: "virtio-serial"}
	for i, name := range terminal.Ports {
		var err error
		if l.ours[i], l.theirs[i], err = vm.SocketPair(name); err != nil {
			_ = l.close()
			return vm.Device{}, err
		}
		id := fmt.Sprintf("stream%d", i)
		way := vm.Arg{Option: "-chardev", Value: "socket,id=" + id + ",fd=" + vm.FD, File: l.theirs[i]}
		if i == lineStdout && l.discard {
			way = vm.Arg{Option: "-chardev", Value: "null,id=" + id}
		}
		d.Needs = append(d.Needs, way)
		d.Has = append(d.Has, vm.Arg{Option: "-device", Value: fmt.Sprintf("virtserialport,nr=%d,chardev=%s,name=%s", i+1, id, name)})
	}
	return d, setBuffer(l.ours[lineStdin])
}

// setBuffer bounds what is on the way to the machine.
func setBuffer(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = c.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, readAhead) })
	if err == nil {
		err = set
	}
	return err
}

// started closes QEMU's ends here, since it is started: they would hide its end.
func (l *lines) started() {
	for i, f := range l.theirs {
		if f != nil {
			_ = f.Close()
			l.theirs[i] = nil
		}
	}
}

func (l *lines) close() error {
	l.started()
	for i, f := range l.ours {
		if f != nil {
			_ = f.Close()
			l.ours[i] = nil
		}
	}
	return nil
}
