// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command steady has the kernel do what it does all day, very often: calls, faults,
// switches, interrupts, messages, and the making and ending of objects, threads and
// processes. The test that runs it wants the kernel to have allocated nothing.
//
// The variable COUNT says how often each is done; what takes long is done a fraction of
// that. With the argument "child" it ends at once, with "server" it answers messages.
package main

import (
	"os"
	"runtime"
	"strconv"

	"loam/test/programs/cases"
)

// count is how often each thing is done. What has something made and ended is done a
// part of that, seldom, and what takes two turns half.
var (
	count  = max(1000, number("COUNT"))
	half   = count / 2
	seldom = count / 10
)

func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return n
}

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "child":
			return
		case "server":
			serve()
		}
	}
	runtime.GOMAXPROCS(8) // threads that wait in calls keep no other waiting
	cases.Main([]cases.Case{
		// calls.go
		{Name: "call: getppid", Run: nullCalls},
		{Name: "call: clock_gettime", Run: clockCalls},
		{Name: "call: handle_info", Run: infoCalls},
		{Name: "fault: touched and given back", Run: faults},
		{Name: "fault: mapped, touched, unmapped", Run: maps},
		{Name: "interrupt: timer", Run: timers},
		// threads.go
		{Name: "switch: sched_yield", Run: yields},
		{Name: "switch: futex", Run: futexes},
		{Name: "switch: pipe", Run: pipes},
		{Name: "signal", Run: signals},
		{Name: "thread: made and ended", Run: threads},
		// objects.go
		{Name: "notification: set and taken", Run: notifications},
		{Name: "notification: waited for", Run: notificationTurns},
		{Name: "object: made and closed", Run: objects},
		{Name: "handle: duplicated and closed", Run: handles},
		{Name: "memory: mapped, touched, unmapped", Run: mappings},
		{Name: "memory: made, cloned, closed", Run: clones},
		{Name: "process: started and ended", Run: processes},
		// messages.go
		{Name: "message: words", Run: wordMessages},
		{Name: "message: bytes and a handle", Run: largeMessages},
	})
}
