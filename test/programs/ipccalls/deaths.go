// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

func deathCases() []cases.Case {
	return []cases.Case{
		{Name: "a server that ends in a call", Run: func() error { return serverDies("one", false) }},
		{Name: "a server that is killed", Run: func() error { return serverDies("one", true) }},
		{Name: "a server that is killed in many calls", Run: func() error { return serverDies("async", true) }},
		{Name: "clients that are killed", Run: clientsDie},
	}
}

// serverDies wants who has called to be told, and who calls after that.
func serverDies(how string, kill bool) error {
	s := start("serve", how)
	ctx := context.Background()
	ok(s.Null(ctx))
	if kill {
		const calls = 3
		errs := make(chan error)
		for range calls {
			go func() { errs <- s.Patient(ctx, time.Hour) }()
		}
		time.Sleep(50 * time.Millisecond)
		ok(s.process.Process.Kill())
		reset := 0
		for range calls {
			switch err := <-errs; err {
			case syscall.ECONNRESET:
				reset++
			case syscall.ECONNREFUSED: // it wasn't received
			default:
				return err
			}
		}
		if reset == 0 {
			return errors.New("no call had been received")
		}
	} else if err := s.Exit(ctx, 3); err != syscall.ECONNRESET {
		return err
	}
	if status := must(s.process.Process.Wait(object.After(30 * time.Second))); !kill && status != (abi.ExitStatus{Kind: abi.Exited, Value: 3}) {
		return fmt.Errorf("the server: %v", status)
	}
	if err := s.Null(ctx); err != syscall.ECONNREFUSED {
		return err
	}
	s.end()
	return nil
}

// clientsDie kills clients in calls of which some are received, and some not; the
// server serves on.
func clientsDie() error {
	s := start("serve", "three")
	defer s.end()
	ok(s.Null(context.Background()))
	for range 3 {
		var clients []object.Child
		for i := range 6 {
			clients = append(clients, child([]abi.HandOn{s.Client.To.HandOn()}, "call", []string{"on", "wait"}[i%2]))
		}
		time.Sleep(100 * time.Millisecond)
		for _, c := range clients {
			end(c)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return s.Null(ctx)
}
