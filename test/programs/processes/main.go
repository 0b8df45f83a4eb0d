// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command processes makes processes as Go programs do, by os/exec, and as others do, by the calls
// themselves, and prints what comes of it. It is run under a personality server and on Linux, and must
// print the same.
//
//	processes all          everything below
//	processes jobs         what a shell does with a terminal
//	processes crowd N      so many processes at once
//	processes bomb [told]  as many as there can be; exit code 3 then, if that is to be told
//	processes outlive      has the server end while processes wait
//	processes child ...    is what it starts
package main

import (
	"fmt"
	"os"
)

// tests are the parts, in the order in which they are made.
var tests = []struct {
	name string
	do   func() error
}{
	{"exec", testExec},
	{"fork", testFork},
	{"stop", testStop},
	{"groups", testGroups},
	{"pidfd", testPidfd},
	{"threads", testThreads},
	{"ignored", testIgnored},
	{"pipes", testPipes},
	{"many", testMany},
	{"proc", testProc},
	{"limits", testLimits},
	{"orphans", testOrphans},
	{"signalfd", testSignalfd},
	{"masks", testMasks},
	{"pty", testPty},
	{"share", testShare},
	{"time", testTime},
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		child(os.Args[2:])
		return
	}
	if stress() {
		return
	}
	for _, t := range tests {
		if len(os.Args) > 1 && os.Args[1] != "all" && os.Args[1] != t.name {
			continue
		}
		fmt.Printf("-- %s\n", t.name)
		if err := t.do(); err != nil {
			fmt.Printf("%s fails: %v\n", t.name, err)
			os.Exit(1)
		}
	}
}
