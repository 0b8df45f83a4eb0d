//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
)

// supervise runs the driver as a process of its own, and kills it a number of times, each after a time
// of chance. The last one lives.
func supervise(kills, least, most int) {
	var handles []abi.HandOn
	for i := 0; ; i++ {
		info, err := object.Info(object.Given(i))
		if err != nil {
			break
		}
		handles = append(handles, abi.HandOn{Handle: object.Given(i), Rights: info.Rights})
	}
	p := object.Program{File: "streams", Args: []string{"streams", "drive"}, Handles: handles}
	for i := 0; ; i++ {
		c, err := p.Start()
		check(err)
		check(object.Close(object.Handle(c.Space)))
		check(c.Thread.Close())
		until := object.Forever
		if i < kills {
			until = object.After(time.Duration(least+rand.IntN(most-least+1)) * time.Microsecond)
		}
		status, err := c.Process.Wait(until)
		switch {
		case errors.Is(err, syscall.ETIMEDOUT):
			check(c.Process.Kill())
			_, err = c.Process.Wait(object.Forever)
			check(err)
		case err != nil:
			check(err)
		default:
			fmt.Fprintln(os.Stderr, "streams: the driver ended by itself:", status)
			os.Exit(97)
		}
		check(c.Process.Close())
		if i+1 == kills {
			fmt.Fprintln(os.Stderr, "streams: killed", kills, "times")
		}
	}
}
