//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

// Command disk uses a virtio block device: it does random requests, several at once, compares
// what it reads with what it has written, and prints the sum of what the disk has to hold in
// the end. Its first argument says how.
package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"time"

	"loam/user/diskd"
	"loam/user/object"
)

func main() {
	role := ""
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	switch role {
	case "raw": // a number of requests
		raw(number(2))
	case "model": // a number of requests, and how often the service must have been killed
		model(number(2), uint64(number(3)))
	case "serve": // up to so many ms; the service's arguments
		serve(number(2), os.Args[3:])
	case "costs": // of so many requests
		costs(number(2))
	case "once":
		once()
	case "take":
		take()
	default:
		fmt.Fprintln(os.Stderr, "disk: which role?")
		os.Exit(99)
	}
}

// serve is the service of a disk, which is killed after some time. It lives longer now and then: on a
// busy host no life might be long enough for anything.
func serve(ms int, args []string) {
	if ms > 0 {
		life := time.Duration(1 + rand.Int64N(int64(ms)*int64(time.Millisecond)))
		if rand.IntN(10) == 0 {
			life *= 10
		}
		time.AfterFunc(life, func() { check(object.Self.Kill()) })
	}
	check(diskd.Run(args))
}

func number(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	check(err)
	return n
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "disk:", err)
		os.Exit(1)
	}
}
