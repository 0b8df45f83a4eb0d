// SPDX-License-Identifier: Apache-2.0

//go:build unix

package compile

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// limit puts the kernel's limits on this process: CPU time, no core file, and
// on Linux address space, beyond what the Go runtime has reserved already.
func limit(q *request) error {
	limits := map[int]uint64{
		syscall.RLIMIT_CPU:   q.Seconds,
		syscall.RLIMIT_CORE:  0,
		syscall.RLIMIT_FSIZE: 0,
	}
	if used, ok := addressSpace(); ok {
		limits[syscall.RLIMIT_AS] = used + q.Memory
	}
	for which, n := range limits {
		r := syscall.Rlimit{}
		if err := syscall.Getrlimit(which, &r); err != nil {
			return err
		}
		r.Cur = min(r.Max, n)
		if err := syscall.Setrlimit(which, &r); err != nil {
			return err
		}
	}
	return nil
}

// addressSpace is how much this process has mapped, in bytes; only Linux says.
func addressSpace() (uint64, bool) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	pages, _, _ := strings.Cut(string(b), " ")
	n, err := strconv.ParseUint(pages, 10, 64)
	return n * uint64(os.Getpagesize()), err == nil
}
