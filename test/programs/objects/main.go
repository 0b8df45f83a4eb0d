// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command objects tries every call about objects and handles: what it is for,
// each error that package abi documents, and what must hold whatever a program
// does: rights don't grow, a closed handle stays refused, a greedy process meets
// its own limit, and what a process had comes back when it ends. Cases whose
// names are a call's and an error's are those errors; the test that runs the
// program compares them with the documentation.
//
// It starts children of itself by ProcessCreate; the first argument says what a
// child does (roles.go). With "role stress SECONDS SEED" it makes random calls
// that mean something (stress.go), with "role garbage SECONDS SEED" its children
// make any (garbage.go); "role costs" measures (costs.go).
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
	if len(os.Args) > 2 && os.Args[1] == "role" {
		play(os.Args[2:])
		return
	}
	before := used()
	cases.Main(slices.Concat(
		handleCases(),
		notificationCases(),
		threadCases(),
		processCases(),
		deriveCases(),
		limitCases(),
		memoryCases(),
		cloneCases(),
		privateCases(),
		exhaustCases(),
		refusals(),
		otherErrors(),
		[]cases.Case{{Name: "nothing is left", Run: func() error { return nothingLeft(before) }}},
	))
}

// used is what this process and its descendants are charged for.
func used() abi.Limits {
	i, err := object.Self.Info()
	if err != nil {
		panic(err)
	}
	return i.Used
}

// nothingLeft wants all that the cases took to be given back; the threads of
// Go's runtime stay.
func nothingLeft(before abi.Limits) error {
	eventually("memory is given back", func() bool {
		now := used()
		return now.Of(abi.KindMemory) == 0
	})
	info, err := object.Self.Info()
	if err != nil {
		return err
	}
	now := info.Used
	for i := range now {
		if k := abi.Kind(i + 1); k == abi.KindThread {
			now[i], before[i] = 0, info.Threads-now.Of(k) // every header is a thread's that lives
		}
	}
	before.Set(abi.KindThread, 0)
	now[abi.LimitPages], before[abi.LimitPages] = 0, 0 // mostly Go's heap; the kernel sees to what is lost
	if now != before || info.Handles != 4 {
		return fmt.Errorf("charged for %v, in the beginning %v; %d handles", now, before, info.Handles)
	}
	return nil
}

// want compares an error with the expected one, 0 for none.
func want(err error, e syscall.Errno) error {
	if got, _ := err.(syscall.Errno); got != e || err != nil && got == 0 {
		return fmt.Errorf("%v, want %v", err, e)
	}
	return nil
}

// call makes a call and gives the error only.
func call(nr uint64, args ...uint64) error {
	_, err := sys.ObjectCall(nr, args...)
	return err
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

// soon is longer than anything takes that happens at all.
func soon() int64 { return object.After(30 * time.Second) }

// eventually waits until something is so.
func eventually(what string, so func() bool) {
	for end := time.Now().Add(30 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			panic("never: " + what)
		}
	}
}

// references gives how many there are to h's object.
func references(h abi.Handle) uint32 { return must(object.Info(h)).References }

// child starts this program in a role.
func child(p object.Program, role ...string) (object.Child, error) {
	p.File = "program"
	p.Args = append([]string{"objects", "role"}, role...)
	return p.Start()
}

// finish waits for a child, which must end well, and closes its handles.
func finish(c object.Child) error {
	status, err := c.Process.Wait(soon())
	if err != nil {
		return err
	}
	if status != (abi.ExitStatus{}) {
		return fmt.Errorf("the child: %v", status)
	}
	return c.Close()
}

// end kills a child, if it still runs, and waits until nothing of it is left.
func end(c object.Child) {
	if err := c.Process.Kill(); err != syscall.ESRCH {
		ok(err)
	}
	must(c.Process.Wait(soon()))
	ok(c.Close())
}

// give hands on a handle with all rights that it has.
func give(h abi.Handle) abi.HandOn {
	return abi.HandOn{Handle: h, Rights: must(object.Info(h)).Rights}
}
