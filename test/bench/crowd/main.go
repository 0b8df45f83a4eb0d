// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command crowd makes as many processes as its first argument says, and computes for
// as many milliseconds as the second says while they are there: so the kernel's
// collector has something to look through. Each is this program again, loaded and ready
// to run. It never does, so that all of the time is the collector's. They end with the
// machine, for a table of handles is too short to keep one to each.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"loam/user/object"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Println("crowd FAIL wants two numbers")
		os.Exit(2)
	}
	n, _ := strconv.Atoi(os.Args[1])
	ms, _ := strconv.Atoi(os.Args[2])
	for i := range n {
		c, err := (&object.Program{File: "program", Held: true}).Start()
		if err == nil {
			err = c.Close()
		}
		if err != nil {
			fmt.Println("crowd FAIL process", i, err)
			os.Exit(1)
		}
	}
	for start := time.Now(); time.Since(start) < time.Duration(ms)*time.Millisecond; {
	}
	fmt.Printf("alive %d processes\n", n)
}
