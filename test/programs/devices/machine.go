// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

// machine is this process's handle.
const machine = object.Machine(abi.HandleThread + 1)

func machineCases() []cases.Case {
	return []cases.Case{
		{Name: "machine is there", Run: machineIsThere},
		{Name: "machine_info", Run: machineInfo},
		{Name: "machine_info errors", Run: machineInfoErrors},
		{Name: "machine_log errors", Run: machineLogErrors},
		{Name: "machine_log", Run: machineLog},
		{Name: "host_receive errors", Run: hostReceiveErrors},
		{Name: "host_send errors", Run: hostSendErrors},
	}
}

// want wants an error of a call, and names the call if there is another one.
func want(what string, errno syscall.Errno, err error) error {
	if err == nil && errno != 0 || err != nil && err != errno {
		return fmt.Errorf("%s: %v, want %v", what, err, errno)
	}
	return nil
}

// first gives the first error.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// second is for calls with a value that doesn't matter.
func second[T any](_ T, err error) error { return err }

func machineIsThere() error {
	i, err := object.Info(object.Handle(machine))
	if err != nil {
		return err
	}
	if machine != object.TheMachine || i.Kind != abi.KindMachine || i.Rights != abi.RightsOf(abi.KindMachine) || i.References != 1 {
		return fmt.Errorf("%+v", i)
	}
	return nil
}

func machineInfo() error {
	line, err := machine.CommandLine()
	if err != nil || !strings.Contains(line, "mode=run") {
		return fmt.Errorf("command line %q, %v", line, err)
	}
	part := make([]byte, 4)
	n, err := sys.MachineInfo(object.Handle(machine), abi.MachineCommandLine, 3, part)
	if err != nil || n != uint64(len(line)) || string(part) != line[3:7] {
		return fmt.Errorf("a part of the command line: %q, %d, %v", part, n, err)
	}
	n, err = sys.MachineInfo(object.Handle(machine), abi.MachineCommandLine, 1<<63, part)
	if err != nil || n != uint64(len(line)) {
		return fmt.Errorf("behind the command line: %d, %v", n, err)
	}
	if flags, err := machine.Flags(); err != nil || flags != 0 {
		return fmt.Errorf("flags %#x, %v", flags, err)
	}
	if m, err := machine.Memory(); err != nil || m.Free == 0 || m.Free >= m.Usable || m.Tables == 0 || m.Heap == 0 || m.Objects == 0 {
		return fmt.Errorf("memory %+v, %v", m, err)
	}
	tree, err := machine.DeviceTree()
	if runtime.GOARCH == "amd64" {
		return want("devicetree", syscall.ENODEV, err)
	}
	if err != nil || len(tree) < 40 || binary.BigEndian.Uint32(tree) != 0xd00dfeed || !bytes.Contains(tree, []byte("riscv,plic0")) {
		return fmt.Errorf("a tree of %d bytes, %v", len(tree), err)
	}
	return nil
}

// narrowed runs f with a handle to the machine that lacks rights.
func narrowed(without abi.Rights, f func(object.Handle) error) error {
	h, err := object.Duplicate(object.Handle(machine), abi.RightsOf(abi.KindMachine)&^without)
	if err != nil {
		return err
	}
	defer object.Close(h)
	return f(h)
}

const nowhere = 0x1000 // an address that nothing is mapped at

func machineInfoErrors() error {
	info := func(h object.Handle, which, addr, length uint64) error {
		return second(sys.ObjectCall(abi.CallMachineInfo, uint64(h), which, 0, addr, length))
	}
	m := object.Handle(machine)
	return first(
		want("no handle", syscall.EBADF, info(0, 0, 0, 0)),
		want("a thread", syscall.ENOTSUP, info(abi.HandleThread, 0, 0, 0)),
		narrowed(abi.RightRead, func(h object.Handle) error { return want("no right", syscall.EACCES, info(h, 0, 0, 0)) }),
		want("unknown", syscall.EINVAL, info(m, 4, 0, 0)),
		want("unknown", syscall.EINVAL, info(m, 1<<32, 0, 0)),
		want("an address", syscall.EFAULT, info(m, abi.MachineFlags, nowhere, 8)),
		want("no length", 0, info(m, abi.MachineFlags, nowhere, 0)),
	)
}

// machineLog takes the log of the boot, in two pieces: nobody has shown it.
func machineLog() error {
	b := make([]byte, abi.MachineLogSize)
	n, err := machine.TakeLog(b[:10], 0, 0)
	if err != nil || n != 10 {
		return fmt.Errorf("%d bytes, %v", n, err)
	}
	more, err := machine.TakeLog(b[10:], 0, 0)
	log := string(b[:10+max(more, 0)])
	if err != nil || !strings.HasPrefix(log, "[  ") || !strings.Contains(log, "] processor ") || !strings.HasSuffix(log, "\n") {
		return fmt.Errorf("%q, %v", log, err)
	}
	if n, err = machine.TakeLog(b, 0, 0); err != nil || n != 0 {
		return fmt.Errorf("twice: %q, %v", b[:max(n, 0)], err)
	}
	return nil
}

func machineLogErrors() error {
	take := func(h object.Handle, addr, length, n, bits uint64) error {
		return second(sys.ObjectCall(abi.CallMachineLog, uint64(h), addr, length, n, bits))
	}
	m := object.Handle(machine)
	before := notifications()
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	references := func() uint32 {
		i, _ := object.Info(object.Handle(n))
		return i.References
	}
	err = first(
		take(m, 0, 0, uint64(n), 1),
		second(machine.Receive(nil, n, 2)),
		want("no handle", syscall.EBADF, take(0, 0, 0, 0, 0)),
		want("a thread", syscall.ENOTSUP, take(abi.HandleThread, 0, 0, 0, 0)),
		narrowed(abi.RightRead, func(h object.Handle) error { return want("no right", syscall.EACCES, take(h, 0, 0, 0, 0)) }),
		want("no notification", syscall.EBADF, take(m, 0, 0, 1, 1)),
		want("another kind", syscall.ENOTSUP, take(m, 0, 0, uint64(abi.HandleThread), 1)),
		want("bad bits", syscall.EINVAL, take(m, 0, 0, uint64(n), 1<<63)),
		want("an address", syscall.EFAULT, take(m, nowhere, 1, 0, 0)),
	)
	if r := references(); err == nil && r != 3 {
		err = fmt.Errorf("%d references while two watch, want 3", r)
	}
	if err := first(err, take(m, 0, 0, 0, 0)); err != nil {
		return err
	}
	if r := references(); r != 2 {
		return fmt.Errorf("%d references while one watches, want 2", r)
	}
	// Both are told by it again, and nobody else has it: it goes.
	if err := first(take(m, 0, 0, uint64(n), 1), n.Close()); err != nil {
		return err
	}
	if left := notifications(); left != before {
		return fmt.Errorf("%d notifications, %d before", left, before)
	}
	return nil
}

// notifications is how many this process has.
func notifications() uint32 {
	i, _ := object.Self.Info()
	return i.Used.Of(abi.KindNotification)
}

func hostReceiveErrors() error {
	receive := func(h object.Handle, addr, length, n, bits uint64) error {
		return second(sys.ObjectCall(abi.CallHostReceive, uint64(h), addr, length, n, bits))
	}
	m := object.Handle(machine)
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	deaf, err := object.Duplicate(object.Handle(n), abi.RightsOf(abi.KindNotification)&^abi.RightWrite)
	if err != nil {
		return err
	}
	defer object.Close(deaf)
	if err := receive(m, 0, 0, uint64(n), 1); err != nil {
		return err
	}
	references := func() uint32 {
		i, _ := object.Info(object.Handle(n))
		return i.References
	}
	if r := references(); r != 3 {
		return fmt.Errorf("%d references while it is watched, want 3", r)
	}
	err = first(
		want("no handle", syscall.EBADF, receive(0, 0, 0, 0, 0)),
		want("a thread", syscall.ENOTSUP, receive(abi.HandleThread, 0, 0, 0, 0)),
		narrowed(abi.RightManage, func(h object.Handle) error { return want("no right", syscall.EACCES, receive(h, 0, 0, 0, 0)) }),
		want("no notification", syscall.EBADF, receive(m, 0, 0, 1, 1)),
		want("another kind", syscall.ENOTSUP, receive(m, 0, 0, uint64(abi.HandleThread), 1)),
		want("no right to signal", syscall.EACCES, receive(m, 0, 0, uint64(deaf), 1)),
		want("no bits", syscall.EINVAL, receive(m, 0, 0, uint64(n), 0)),
		want("bad bits", syscall.EINVAL, receive(m, 0, 0, uint64(n), 1<<63)),
	)
	if r := references(); err == nil && r != 3 {
		err = fmt.Errorf("%d references after errors, want 3", r)
	}
	if err := first(err, receive(m, 0, 0, 0, 0)); err != nil {
		return err
	}
	if r := references(); r != 2 {
		return fmt.Errorf("%d references when nobody is told, want 2", r)
	}
	return nil
}

func hostSendErrors() error {
	send := func(h object.Handle, addr, length uint64) error {
		return second(sys.ObjectCall(abi.CallHostSend, uint64(h), addr, length))
	}
	m := object.Handle(machine)
	return first(
		want("no handle", syscall.EBADF, send(0, 0, 0)),
		want("a thread", syscall.ENOTSUP, send(abi.HandleThread, 0, 0)),
		narrowed(abi.RightManage, func(h object.Handle) error { return want("no right", syscall.EACCES, send(h, 0, 0)) }),
		want("too long", syscall.EMSGSIZE, send(m, nowhere, abi.MaxHostAnswer+1)),
		want("an address", syscall.EFAULT, send(m, nowhere, 1)),
		want("nothing that anybody waits for", 0, send(m, nowhere, 0)),
	)
}
