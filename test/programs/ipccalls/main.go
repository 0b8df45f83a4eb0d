// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command ipccalls tries package ipc in a machine: typed calls to a server in
// another process and in this one, cancelling and deadlines, the death of either
// side, handles, and that a server that waits holds up neither the goroutines of its
// process nor the collector. "role costs" and
// "role gaps" measure, "role stress DURATION" goes on for longer.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/ipc"
	"loam/user/ipc/ipctest"
	"loam/user/object"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "role" {
		if err := play(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, os.Args, err)
			os.Exit(1)
		}
		return
	}
	cases.Main(slices.Concat(callCases(), deathCases(), goroutineCases(), stressCases()))
}

// play is what a child does.
func play(role []string) error {
	switch role[0] {
	case "serve":
		return serve(role[1])
	case "call":
		return call(role[1])
	case "costs":
		return costs()
	case "pace":
		d, err := time.ParseDuration(role[1])
		if err != nil {
			return err
		}
		return pace(ipctest.NewEverythingClient(ipc.Endpoint(object.Given(0))), d)
	case "stress":
		d, err := time.ParseDuration(role[1])
		if err != nil {
			return err
		}
		return stress(d)
	case "gaps":
		return gaps()
	case "raw":
		return rawServer()
	}
	return errors.New("no such role")
}

// badge is that of who calls.
const badge = 1 << 40

// serve serves Everything until the process is killed.
func serve(how string) error {
	s := ipc.Server{Endpoint: ipc.Endpoint(object.Given(0)), Service: ipctest.EverythingService(new(ipctest.Server))}
	switch how {
	case "three":
		s.Receivers = 3
	case "async":
		s.Async = s.Service.Methods
	case "plain", "alone": // as a service has it that takes no handles: it needs no options to receive
		s.Service.Handles = 0
		s.Alone = how == "alone"
	}
	return s.Serve(context.Background())
}

// call makes calls until the process is killed, or once.
func call(how string) error {
	c := ipctest.NewEverythingClient(ipc.Endpoint(object.Given(0)))
	if how == "once" {
		return ipctest.Try(context.Background(), c, badge)
	}
	for i := int64(0); ; i++ {
		if how == "wait" {
			if err := c.Patient(context.Background(), 20*time.Millisecond); err != nil {
				return err
			}
		}
		if sum, err := c.Add(context.Background(), i, 1); err != nil || sum != i+1 {
			return fmt.Errorf("%d %w", sum, err)
		}
	}
}

// child starts this program in a role.
func child(hand []abi.HandOn, role ...string) object.Child {
	p := object.Program{File: "program", Args: append([]string{"ipccalls", "role"}, role...), Handles: hand}
	return must(p.Start())
}

// end kills a child and waits until nothing of it is left.
func end(c object.Child) {
	if err := c.Process.Kill(); err != syscall.ESRCH {
		ok(err)
	}
	must(c.Process.Wait(object.After(30 * time.Second)))
	ok(c.Close())
}

// server is one in a process of its own.
type server struct {
	*ipctest.EverythingClient
	process object.Child
}

// start starts one that alone can receive.
func start(role ...string) *server {
	e := must(ipc.NewEndpoint())
	c := must(e.Mint(badge))
	receive := abi.HandOn{Handle: abi.Handle(e), Rights: abi.RightWait, Flags: abi.HandOnMove}
	return &server{ipctest.NewEverythingClient(c), child([]abi.HandOn{receive}, role...)}
}

func (s *server) end() {
	end(s.process)
	ok(s.Client.To.Close())
}

// local is a server in this process.
type local struct {
	*ipctest.EverythingClient
	impl     *ipctest.Server
	server   *ipc.Server
	endpoint ipc.Endpoint
	ended    chan error
}

// startHere starts one.
func startHere(change func(*ipc.Server)) *local {
	e := must(ipc.NewEndpoint())
	l := &local{impl: new(ipctest.Server), endpoint: e, ended: make(chan error, 1)}
	l.EverythingClient = ipctest.NewEverythingClient(must(e.Mint(badge)))
	l.server = &ipc.Server{Endpoint: e, Service: ipctest.EverythingService(l.impl)}
	if change != nil {
		change(l.server)
	}
	go func() { l.ended <- l.server.Serve(context.Background()) }()
	return l
}

func (l *local) end() {
	l.server.Shutdown()
	select {
	case err := <-l.ended:
		ok(err)
	case <-time.After(30 * time.Second):
		panic("the server doesn't end")
	}
	ok(l.Client.To.Close())
	ok(l.endpoint.Close())
}

// must stops the case at an error.
func must[T any](v T, err error) T {
	if err != nil {
		_, _, line, _ := runtime.Caller(1)
		panic(fmt.Sprintf("line %d: %v", line, err))
	}
	return v
}

// ok stops the case at an error.
func ok(err error) {
	if err != nil {
		_, _, line, _ := runtime.Caller(1)
		panic(fmt.Sprintf("line %d: %v", line, err))
	}
}
