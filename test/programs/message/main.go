// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command message tries the calls about endpoints: what package abi says of messages, of
// their buffers and handles, of deadlines and signals, of what becomes of both sides when
// one dies. Its parties are mostly actors: processes without a runtime, which make the
// calls that they are told (actor.go).
//
// With "matrix" it kills each party at each stage of a call (matrix.go); with "stress
// SECONDS SEED TEAMS" parties call each other while others disturb them (stress.go); with "cross"
// calls meet what may happen to them meanwhile (pairs.go and those named there).
package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "matrix" {
		exit(matrix())
	}
	if len(os.Args) > 1 && os.Args[1] == "stress" {
		exit(stress(os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "role" {
		exit(runAs(os.Args[2]))
	}
	before := used()
	if len(os.Args) > 1 && os.Args[1] == "cross" {
		os.Args = slices.Delete(os.Args, 1, 2)
		cases.Main(slices.Concat(
			pairCases(),
			registerCases(),
			chainCases(),
			jobCases(),
			priorityCases(),
			crowdCases(),
			[]cases.Case{{Name: "nothing is left", Run: func() error { return nothingLeft(before) }}},
		))
		exit(nil)
	}
	cases.Main(slices.Concat(
		wordCases(),
		bufferCases(),
		handleCases(),
		waitCases(),
		serverCases(),
		forwardCases(),
		[]cases.Case{{Name: "nothing is left", Run: func() error { return nothingLeft(before) }}},
	))
}

// used is what this process and its descendants are charged for, without its threads and pages.
func used() abi.Limits {
	i := must(object.Self.Info())
	i.Used.Set(abi.KindThread, i.Used.Of(abi.KindThread)-i.Threads)
	i.Used[abi.LimitPages] = 0
	return i.Used
}

// nothingLeft wants all that was taken since to be given back, but for the actors' code.
func nothingLeft(before abi.Limits) error {
	if text != 0 {
		ok(text.Close())
		text = 0
	}
	var now abi.Limits
	for range 2000 { // memory goes soon after its process
		if now = used(); now == before {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("charged for %v, in the beginning for %v", now, before)
}

// endpoint makes one; the handle has all rights.
func endpoint() abi.Handle {
	return abi.Handle(must(sys.ObjectCall(abi.CallEndpointCreate)))
}

const (
	callRights  = abi.RightWrite
	waitRights  = abi.RightWait
	transferred = abi.RightTransfer | abi.RightDuplicate
)

// to hands on a copy of a handle.
func to(h abi.Handle, rights abi.Rights) abi.HandOn { return abi.HandOn{Handle: h, Rights: rights} }

// given is what an actor has of the hands that its process was made with.
func given(i int) uint64 { return uint64(abi.GivenHandle(i)) }

// forever are options of words alone.
func forever() *abi.MessageOptions {
	o := abi.DefaultOptions()
	return &o
}

// exit ends the program as an error says.
func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "message:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Steps that are often used.
func receive(h uint64) do { return do{nr: abi.CallEndpointReceive, to: h} }
func call(h uint64, w ...uint64) do {
	d := do{nr: abi.CallEndpointCall, to: h}
	copy(d.words[:], w)
	return d
}
func reply() do { return do{nr: abi.CallEndpointReply, answer: true} }
func pause(n uint64) do {
	return do{nr: abi.CallNotificationWait, to: n, value: abi.NotificationBits, token: uint64(object.Forever)}
}

// echo serves an endpoint for ever.
func echo(h uint64) []do {
	return []do{receive(h), {nr: abi.CallEndpointReplyReceive, to: h, loop: true}}
}

// message makes a call of this process's own, on a thread that does nothing else meanwhile.
func message(nr uint64, m *sys.Message) (result uint64, e syscall.Errno) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := sys.MessageWait(nr, m)
	if int64(r) < 0 {
		return 0, syscall.Errno(-r)
	}
	return r, 0
}
