// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command greedy takes all memory that it gets, and doesn't come back from it.
// With the argument "family" it tries what the kernel does when memory runs out,
// with processes of its own that take it, need it, or only have some; with
// "limits", what a process gets that has a limit; with "essential", in a machine
// whose first process is essential, who is spared. The first argument "role" says
// what such a process does (roles.go).
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

const (
	page = 4096
	mib  = 1 << 20
)

func main() {
	if len(os.Args) < 2 {
		fmt.Println("hungry")
		warmUp()
		for {
			touch(anonymous(large), 1)
		}
	}
	what := os.Args[1]
	os.Args = append(os.Args[:1], os.Args[2:]...)
	switch what {
	case "role":
		play(os.Args[1:])
	case "family":
		cases.Main(familyCases())
	case "limits":
		cases.Main(limitCases())
	case "kernel":
		cases.Main(kernelCases())
	case "essential":
		cases.Main(essentialCases())
	default:
		fmt.Fprintln(os.Stderr, "greedy: what is", what)
		os.Exit(2)
	}
}

// anonymous maps memory that has no frames yet.
func anonymous(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	return b
}

// touch writes to each page of b something that is this page's in this process.
func touch(b []byte, seed byte) {
	for i := 0; i < len(b); i += page {
		b[i] = seed + byte(i/page)
	}
}

// touched reports whether b is as touch left it.
func touched(b []byte, seed byte) bool {
	for i := 0; i < len(b); i += page {
		if b[i] != seed+byte(i/page) || b[i+1] != 0 {
			return false
		}
	}
	return true
}

// used is how many frames are charged to this process and its descendants.
func used() int { return usedBy(object.Self) }

func usedBy(p object.Process) int { return int(must(p.Info()).Used[abi.LimitPages]) }

// must stops the case at an error.
func must[T any](v T, err error) T {
	ok(err)
	return v
}

// ok stops the case at an error.
func ok(err error) {
	if err != nil {
		panic(err)
	}
}

// soon is longer than anything takes that happens at all.
func soon() int64 { return object.After(60 * time.Second) }

// killed is how who is chosen ends.
var killed = abi.ExitStatus{Kind: abi.Signalled, Value: uint32(abi.SIGKILL)}
