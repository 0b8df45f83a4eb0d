// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

// familyCases: whoever needs memory gets it from the largest, whatever that one
// does at the time.
func familyCases() []cases.Case {
	var out []cases.Case
	for _, state := range []string{"waiting", "running", "calling", "stopped", "held"} {
		out = append(out, cases.Case{Name: "the largest is " + state, Run: func() error { return largest(state) }})
	}
	return append(out,
		cases.Case{Name: "handlers need their stacks", Run: signalled},
		cases.Case{Name: "who eats is the largest", Run: eaten},
		cases.Case{Name: "of equals the youngest", Run: equals},
		cases.Case{Name: "nothing is left", Run: nothingLeft},
	)
}

// largest has one process take all there is, and two smaller ones need more.
func largest(state string) error {
	workers := []child{start(false, 0, "work", "2", "4"), start(false, 0, "work", "3", "3")}
	for i := range workers {
		workers[i].isReady()
	}
	role := state
	if state == "stopped" || state == "held" {
		role = "waiting"
	}
	big := start(false, 0, "fill", role)
	big.isReady()
	switch state {
	case "stopped":
		if info := must(big.Process.Info()); info.State == abi.ProcessRunning {
			_ = syscall.Kill(int(info.PID), syscall.SIGSTOP)
		}
	case "held":
		_ = big.Thread.Stop()
	}
	for i := range workers {
		workers[i].goOn()
	}
	for i := range workers {
		if err := workers[i].end(abi.ExitStatus{}); err != nil {
			return fmt.Errorf("worker %d: %w", i, err)
		}
	}
	return big.end(killed)
}

// signalled has one process take all there is, and the threads of another run
// handlers on stacks that have no pages yet.
func signalled() error {
	c := start(false, 0, "signals", "16")
	c.isReady()
	big := start(false, 0, "fill", "waiting")
	big.isReady()
	c.goOn()
	if err := c.end(abi.ExitStatus{}); err != nil {
		return err
	}
	return big.end(killed)
}

// eaten has a process eat all there is while others do their work.
func eaten() error {
	workers := []child{start(false, 0, "work", "1", "4"), start(false, 0, "work", "4", "1")}
	eater := start(false, 0, "eat")
	for i := range workers {
		workers[i].isReady()
		workers[i].goOn()
	}
	if err := eater.end(killed); err != nil {
		return err
	}
	for i := range workers {
		if err := workers[i].end(abi.ExitStatus{}); err != nil {
			return fmt.Errorf("worker %d: %w", i, err)
		}
	}
	return nil
}

// equals starts processes of the same size until one has to go: that is the last
// of those that have all their pages, since the one that wants more has less.
func equals() error {
	const (
		text  = 0x40_0000
		pages = 2048
	)
	code := must(object.NewMemory(page))
	defer code.Close()
	at := must(object.Here.Map(code, 0, 0, page, syscall.PROT_READ|syscall.PROT_WRITE))
	copy(object.Bytes(at, page), filler)
	ok(object.Here.Unmap(at, page))
	n := must(object.NewNotification())
	defer n.Close()
	var all []object.Child
	defer func() {
		for _, c := range all {
			if err := c.Process.Kill(); err != syscall.ESRCH {
				ok(err)
			}
			must(c.Process.Wait(soon()))
			ok(c.Close())
		}
	}()
	for {
		c := must((&object.Program{Empty: true,
			Handles: []abi.HandOn{{Handle: abi.Handle(n), Rights: abi.RightWrite}}}).Start())
		all = append(all, c)
		must(c.Space.Map(code, text, 0, page, syscall.PROT_READ|syscall.PROT_EXEC))
		ok(c.Thread.Start(object.Registers{Entry: text, Args: [2]uint64{pages, uint64(object.Given(0))}}))
		if _, err := n.Wait(1, soon()); err != nil {
			return err
		}
		gone := slices.IndexFunc(all, func(c object.Child) bool { return must(c.Process.Info()).State != abi.ProcessRunning })
		switch {
		case gone < 0 && len(all) < 100:
			continue
		case gone < 0:
			return fmt.Errorf("memory has no end")
		case gone != len(all)-2:
			return fmt.Errorf("process %d of %d has gone", gone, len(all))
		}
		for i, c := range all {
			if info := must(c.Process.Info()); i != gone && info.State != abi.ProcessRunning {
				return fmt.Errorf("processes %d and %d of %d have gone", gone, i, len(all))
			} else if i == gone && info.Status != killed {
				return fmt.Errorf("it ended with %v", info.Status)
			}
		}
		return nil
	}
}

// nothingLeft: nothing is charged any more but what this process has itself. A
// memory object goes some time after its last user.
func nothingLeft() error {
	const atStart = 4 // handles: to itself, its space, its first thread, and the machine
	var info abi.ProcessInfo
	for range 10000 {
		info = must(object.Self.Info())
		if info.Handles == atStart && info.Used.Of(abi.KindProcess) == 0 && info.Used.Of(abi.KindMemory) == 0 &&
			info.Used.Of(abi.KindNotification) == 0 {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("%+v", info)
}
