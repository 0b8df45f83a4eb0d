//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

// Command services is both sides of the tests of init: the services that it looks after,
// and the machine's program that calls them. Its first argument says which.
package main

import (
	"fmt"
	"os"
	"strconv"

	"loam/test/programs/cases"
)

func main() {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	switch role {
	case "serve":
		serve()
	case "exit":
		os.Exit(number(2))
	case "life":
		os.Args = os.Args[:1] // all cases
		cases.Main(lives())
	case "echo":
		echo()
	case "console":
		shortConsole(number(2), os.Args[3:])
	case "linux":
		shortLinux(number(2), os.Args[3:])
	case "entropy":
		shortEntropy(number(2), os.Args[3:])
	case "bus":
		shortBus(number(2), os.Args[3:])
	case "draw":
		draw(uint64(number(2)), number(3), os.Args[4:])
	case "silence":
		silence()
	case "random":
		randomBytes()
	case "folder":
		shortFolder(number(2), os.Args[3:])
	case "files":
		files(uint64(number(2)), number(3))
	case "say":
		fmt.Println(os.Args[2])
	case "kills":
		kills(number(2), number(3))
	default:
		fmt.Fprintln(os.Stderr, "services: which role?")
		os.Exit(99)
	}
}

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "services:", err)
		os.Exit(98)
	}
}
