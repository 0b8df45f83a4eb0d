// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command faults is what goes wrong for programs, at the edges of what there is. Under a personality server it must print what
// it prints on Linux, but for the last three.
//
//	faults pipes          sizes around those of pipes and of what is atomic
//	faults writers        several writers of one pipe
//	faults signals        a signal in the middle of each call that waits, and of calls that don't
//	faults open N [told]  so many open files; exit code 3 then, if that is to be told
//	faults gone DIR       a folder that the host takes away when it is told to
//	faults full DIR [told]
//	                      no room
//	faults beside N       calls of many kinds, whose results are checked, for so many seconds
//	faults chaos          these calls for ever, by several processes
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	arg := ""
	if len(os.Args) > 2 {
		arg = os.Args[2]
	}
	if len(os.Args) < 2 {
		fail(fmt.Errorf("which?"))
	}
	switch os.Args[1] {
	case "pipes":
		fail(pipes())
	case "writers":
		fail(writers())
	case "signals":
		fail(signals())
	case "open":
		fail(openMany(number(arg)))
	case "gone":
		fail(gone(arg))
	case "full":
		fail(full(arg))
	case "beside":
		rounds, err := beside(time.Duration(number(arg)) * time.Second)
		fail(err)
		fmt.Println("unharmed", rounds > 0)
	case "child":
		fmt.Println("child", arg)
	case "idle": // a child
		time.Sleep(time.Hour)
	case "chaos":
		chaos()
	}
	if len(os.Args) > 3 && os.Args[3] == "told" { // by init, which tells of what ends with another exit code than 0
		os.Exit(3)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	fail(err)
	return n
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}
