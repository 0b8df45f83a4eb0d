//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// costs measures what requests cost the client and the service of CPU time: on a machine that counts
// instructions, these.
func costs(count int) {
	d := open()
	p := d.Alloc(64 << 10)
	for _, r := range []struct {
		name string
		do   func() error
	}{
		{"read of 4 KiB", func() error { _, err := d.ReadAt(p[:4096], 0); return err }},
		{"write of 4 KiB", func() error { _, err := d.WriteAt(p[:4096], 0); return err }},
		{"read of 64 KiB", func() error { _, err := d.ReadAt(p, 0); return err }},
		{"flush", d.Flush},
	} {
		for range 20 {
			check(r.do())
		}
		own, its, begun := cpuTime(), timeOf("disk0"), time.Now()
		for range count {
			check(r.do())
		}
		n := time.Duration(count)
		fmt.Printf("%s: client %d, service %d ns, all %d\n", r.name, (cpuTime()-own)/n, (timeOf("disk0")-its)/n, time.Since(begun)/n)
	}
}

func cpuTime() time.Duration {
	var t unix.Timespec
	check(unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t))
	return time.Duration(t.Nano())
}

// timeOf tells the CPU time of a service.
func timeOf(name string) time.Duration { return time.Duration(listed(name).CPU) }
