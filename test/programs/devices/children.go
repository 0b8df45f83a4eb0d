// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

// Children of this program, which has given them the machine and a notification.

func childCases() []cases.Case {
	return []cases.Case{
		{Name: "drivers are killed", Run: driversKilled},
		{Name: "limits", Run: limits},
		{Name: "nothing is left", Run: nothingLeft},
	}
}

// child starts this program in a role, with a handle to the machine and one to n.
func child(role string, n object.Notification, limits *abi.Limits) (object.Child, error) {
	every := abi.RightsOf(abi.KindMachine)
	return (&object.Program{File: "program", Args: []string{"devices", role}, Limits: limits, Handles: []abi.HandOn{
		{Handle: abi.Handle(machine), Rights: every}, {Handle: abi.Handle(n), Rights: abi.RightsOf(abi.KindNotification)},
	}}).Start()
}

// given is the notification that child hands on.
var given = object.Notification(object.Given(1))

// Bits of it.
const (
	bitClock = 8
	bitTimer = 1
	bitReady = 2
)

// drive is a driver that has all sorts of things, and makes more for ever.
func drive() {
	c, err1 := openClock()
	i, err2 := machine.NewInterrupt(clockLine, clockFlags)
	t, err3 := object.NewTimer()
	m, err4 := machine.DeviceMemory(registers, page)
	_, err7 := machine.NewRegisters(configSpace, 16)
	if err := first(err1, err2, err3, err4, err7, i.Bind(given, bitClock), t.Set(given, bitTimer, 0, time.Millisecond)); err != nil {
		fail(err)
	}
	_, err5 := object.Here.Map(m, 0, 0, page, syscall.PROT_READ)
	_, err6 := machine.Receive(nil, given, 16)
	c.start() // an interrupt that nobody serves
	if err := first(err5, err6, given.Signal(bitReady)); err != nil {
		fail(err)
	}
	for {
		m, err := machine.NewDMA(abi.MaxDMA, 0)
		if err == nil {
			err = m.Close()
		}
		if err != nil && err != syscall.ENOMEM {
			fail(err)
		}
	}
}

// driversKilled kills drivers at all sorts of moments, and wants what they had.
func driversKilled() error {
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	for round := range 12 {
		c, err := child("drive", n, nil)
		if err != nil {
			return err
		}
		for got := uint64(0); got&(bitReady|bitTimer|bitClock) != bitReady|bitTimer|bitClock; {
			bits, err := n.Wait(abi.NotificationBits, object.After(long))
			if err != nil {
				return fmt.Errorf("round %d: %w, bits %#x", round, err, got)
			}
			got |= bits
		}
		time.Sleep(time.Duration(round*377) * time.Microsecond)
		if err := c.Process.Kill(); err != nil {
			return err
		}
		if _, err := c.Process.Wait(object.After(long)); err != nil {
			return err
		}
		if err := c.Close(); err != nil {
			return err
		}
		n.Wait(abi.NotificationBits, object.Now)
		if err := silence(n, 10*time.Millisecond); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if i, err := object.Info(object.Handle(n)); err != nil || i.References != 2 { // the watch of the host's requests, too
			return fmt.Errorf("round %d: %d references to the notification, %v", round, i.References, err)
		}
	}
	if _, err := machine.Receive(nil, 0, 0); err != nil {
		return err
	}
	if err := makeRegisters(uint64(machine), configSpace, 16); err != nil {
		return err
	}
	return interruptDriver() // with the line and the registers that they had
}

// bounded makes as many objects as its limits and its table allow.
func bounded() {
	for name, make := range map[string]func() (object.Handle, error){
		"timer": func() (object.Handle, error) { t, err := object.NewTimer(); return object.Handle(t), err },
		"line": func() (object.Handle, error) {
			i, err := machine.NewInterrupt(clockLine, 0)
			return object.Handle(i), err
		},
		"device": func() (object.Handle, error) {
			m, err := machine.DeviceMemory(registers, page)
			return object.Handle(m), err
		},
		"message": func() (object.Handle, error) { i, err := machine.NewMessageInterrupt(0); return object.Handle(i), err },
		"registers": func() (object.Handle, error) {
			r, err := machine.NewRegisters(configSpace, 4)
			return object.Handle(r), err
		},
		"DMA":     func() (object.Handle, error) { m, err := machine.NewDMA(page, 0); return object.Handle(m), err },
		"pages":   func() (object.Handle, error) { m, err := machine.NewDMA(abi.MaxDMA, 0); return object.Handle(m), err },
		portsName: func() (object.Handle, error) { p, err := machine.NewPorts(0x80, 1); return object.Handle(p), err },
	} {
		if name == "" {
			continue // there are no ports
		}
		if _, err := make(); err != syscall.EDQUOT {
			fail(fmt.Errorf("%s beyond a limit: %v", name, err))
		}
	}
	os.Exit(7)
}

// crowded has no place for another handle.
func crowded() {
	n := 0
	for ; ; n++ {
		if _, err := object.Duplicate(object.Handle(given), 0); err == syscall.EMFILE {
			break
		} else if err != nil {
			fail(err)
		}
	}
	m := uint64(machine)
	for nr, args := range map[uint64][]uint64{
		abi.CallTimerCreate: nil, abi.CallInterruptCreate: {m, clockLine, 0}, abi.CallDeviceMemory: {m, registers, page},
		abi.CallMemoryCreateDMA: {m, page, 0}, abi.CallPortsCreate: {m, 0x80, 1}, abi.CallRegistersCreate: {m, configSpace, 4},
		abi.CallInterruptCreateMessage: {m, 0},
	} {
		if nr == abi.CallPortsCreate && portsName == "" {
			continue
		}
		if _, err := sys.ObjectCall(nr, args...); err != syscall.EMFILE {
			fail(fmt.Errorf("call %#x without a place for a handle: %v", nr, err))
		}
	}
	os.Exit(7)
}

// limits has children meet theirs.
func limits() error {
	n, err := object.NewNotification()
	if err != nil {
		return err
	}
	defer n.Close()
	l := abi.DefaultLimits()
	for _, k := range []abi.Kind{abi.KindTimer, abi.KindInterrupt, abi.KindMemory, abi.KindPorts, abi.KindRegisters} {
		l.Set(k, 0)
	}
	few := abi.DefaultLimits()
	few[abi.LimitPages] = 3000 // enough for the program, not for MaxDMA thrice
	for role, l := range map[string]*abi.Limits{"bounded": &l, "crowded": nil, "paying": &few} {
		c, err := child(role, n, l)
		if err != nil {
			return err
		}
		s, err := c.Process.Wait(object.After(long))
		if err := first(err, c.Close()); err != nil || s != (abi.ExitStatus{Kind: abi.Exited, Value: 7}) {
			return fmt.Errorf("%s: %v, %v", role, s, err)
		}
	}
	// What failed has left nothing behind.
	return interruptDriver()
}

// paying is charged for DMA memory, and is told when that is too much.
func paying() {
	pages := func() uint32 {
		i, err := object.Self.Info()
		if err != nil {
			fail(err)
		}
		return i.Used[abi.LimitPages]
	}
	before := pages()
	m, err := machine.NewDMA(64*page, 0)
	if err != nil || pages() < before+65 || pages() > before+65+16 {
		fail(fmt.Errorf("%v, charged for %d pages, then %d", err, before, pages()))
	}
	for made := 0; ; made++ {
		if _, err = machine.NewDMA(abi.MaxDMA, 0); err == syscall.EDQUOT {
			break
		} else if err != nil || made > 3 {
			fail(fmt.Errorf("%d made, %v", made, err))
		}
	}
	if err := m.Close(); err != nil {
		fail(err)
	}
	os.Exit(7)
}

// nothingLeft wants this process to be charged for what it began with.
func nothingLeft() error {
	var used abi.Limits
	for end := time.Now().Add(long); time.Now().Before(end); time.Sleep(time.Millisecond) {
		i, err := object.Self.Info()
		if err != nil {
			return err
		}
		used = i.Used
		left := uint32(0)
		for _, k := range []abi.Kind{abi.KindProcess, abi.KindTimer, abi.KindInterrupt, abi.KindPorts, abi.KindRegisters, abi.KindMemory, abi.KindNotification} {
			left += used.Of(k)
		}
		if left == 0 && i.Handles == 4 {
			return nil
		}
	}
	return fmt.Errorf("charged for %v", used)
}
