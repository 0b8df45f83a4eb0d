// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command pair starts two programs that only compute, itself with an argument,
// and waits for both: on two CPUs that should take half as long as on one. With
// the argument "pinned" both stay on one CPU, however many there are.
package main

import (
	"fmt"
	"os"
	"runtime"

	"loam/test/programs/smp/low"
)

// Arguments.
const (
	pinned  = "pinned"
	compute = "compute"
)

// steps is how long each of the two computes: some seconds if QEMU emulates
// the CPU.
const steps = 800_000_000

func main() {
	arg := ""
	if len(os.Args) > 1 {
		arg = os.Args[1]
	}
	if arg == compute {
		if len(os.Args) > 2 {
			runtime.LockOSThread()
			low.Pin(low.All()[0])
		}
		if work() == 0 {
			os.Exit(1)
		}
		return
	}
	args := []string{compute}
	if arg == pinned {
		args = append(args, pinned)
	}
	if err := both(args); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// both runs two children.
func both(args []string) error {
	var pids [2]int
	for i := range pids {
		var err error
		if pids[i], err = low.Spawn(args...); err != nil {
			return err
		}
	}
	for _, pid := range pids {
		status, err := low.Reap(pid)
		if err != nil {
			return err
		}
		if status != 0 {
			return fmt.Errorf("child: status %#x", uint32(status))
		}
	}
	return nil
}

// work computes something that no compiler foresees, in little memory.
func work() uint64 {
	var table [512]uint64
	x := uint64(88172645463325252)
	for range steps {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		table[x%512] += x
	}
	return table[x%512] | 1
}
