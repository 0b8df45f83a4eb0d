//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"loam/internal/proglist"
	"loam/user/initd"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/streams/ring"
)

// costs measures what a write of 4 KiB to stdout costs of CPU time, on a machine that counts instructions: these.
// Each write has gone before the next, so each wakes the driver; of the program's part there is the time of the
// call, which has the driver's in it if that runs first.
func costs(count int) {
	s := attach()
	page := make([]byte, 4096)
	gone := func() {
		for s.Out.Room() < ring.Stdout.Size() {
			time.Sleep(100 * time.Microsecond)
		}
	}
	for range 20 {
		s.Out.TryWrite(page)
		time.Sleep(time.Millisecond)
	}
	calls := make([]time.Duration, count)
	gone()
	its := driverTime()
	for i := range calls {
		begun := now()
		s.Out.TryWrite(page)
		calls[i] = now() - begun
		time.Sleep(time.Millisecond) // the driver says that it is gone when somebody asks
	}
	driver := (driverTime() - its) / time.Duration(count)
	slices.Sort(calls)
	fmt.Fprintf(os.Stderr, "write of 4 KiB: the call %d (%d to %d), the driver %d\n", calls[count/2], calls[0], calls[count-1], driver)
	begun := now()
	for range count {
		_, err := s.Out.Write(page)
		check(err)
	}
	fmt.Fprintf(os.Stderr, "write of 4 KiB, one behind the other: %d all in\n", (now()-begun)/time.Duration(count))
}

func now() time.Duration {
	var t unix.Timespec
	check(unix.ClockGettime(unix.CLOCK_MONOTONIC, &t))
	return time.Duration(t.Nano())
}

// driverTime tells the CPU time of the driver.
func driverTime() time.Duration {
	text, err := initd.NewProgramsClient(ipc.Endpoint(object.Given(1))).List(context.Background())
	check(err)
	list, err := proglist.Decode(string(text))
	check(err)
	for _, e := range list {
		if e.Name == "streams" {
			return time.Duration(e.CPU)
		}
	}
	return 0
}
