// SPDX-License-Identifier: Apache-2.0

package object

import (
	"encoding/binary"

	"loam/abi"
	"loam/user/sys"
)

// Machine is a handle to the machine: the right to ask what it is, to make objects
// of its devices, and to talk with the host. The first process has one.
type Machine Handle

// TheMachine is the first process's handle.
var TheMachine = Machine(abi.HandleMachine)

// CommandLine gives the kernel's command line.
func (m Machine) CommandLine() (string, error) {
	b, err := m.info(abi.MachineCommandLine)
	return string(b), err
}

// DeviceTree gives the flattened devicetree. ENODEV: the machine has none.
func (m Machine) DeviceTree() ([]byte, error) { return m.info(abi.MachineDeviceTree) }

// Flags gives abi.MachineBootMode and the like.
func (m Machine) Flags() (uint64, error) {
	b, err := m.info(abi.MachineFlags)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// MachineMemory is what Memory tells, in bytes.
type MachineMemory struct {
	Usable  uint64 // by the kernel and programs, at boot
	Free    uint64
	Heap    uint64 // of the kernel's own Go heap
	Tables  uint64 // of its tables
	Objects uint64 // of its contexts of threads, buffers and the like
}

// Memory tells how much memory the machine has, and how much of it the kernel itself.
func (m Machine) Memory() (MachineMemory, error) {
	b, err := m.info(abi.MachineMemory)
	if err != nil {
		return MachineMemory{}, err
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return MachineMemory{Usable: word(0), Free: word(1), Heap: word(2), Tables: word(3), Objects: word(4)}, nil
}

// TakeLog moves to b what the kernel's log has that no console has shown and nobody has
// taken, and gives its length, 0 when there is nothing. Bits of n are signalled when
// there is something again, once; n may be 0.
func (m Machine) TakeLog(b []byte, n Notification, bits uint64) (int, error) {
	v, err := sys.MachineLog(Handle(m), b, Handle(n), bits)
	return int(v), err
}

func (m Machine) info(which uint64) ([]byte, error) {
	n, err := sys.MachineInfo(Handle(m), which, 0, nil)
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	_, err = sys.MachineInfo(Handle(m), which, 0, b)
	return b, err
}

// Receive takes the host's request into b and gives its length, 0 when there is
// none. Bits of n are signalled when there is one again, until the next Receive; n
// may be 0.
func (m Machine) Receive(b []byte, n Notification, bits uint64) (int, error) {
	v, err := sys.HostReceive(Handle(m), b, Handle(n), bits)
	return int(v), err
}

// Send answers the request that Receive has given last.
func (m Machine) Send(answer []byte) error { return sys.HostSend(Handle(m), answer) }

// End ends the machine, with a status that the host gets as the first process's, and
// a reason of at most abi.MaxEndReason bytes, for people. It returns only if that
// can't be, or to a process other than the first.
func (m Machine) End(status abi.ExitStatus, reason string) error {
	return sys.MachineEnd(Handle(m), status, reason)
}

// Close gives the handle back.
func (m Machine) Close() error { return Close(Handle(m)) }
