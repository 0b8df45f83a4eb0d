// SPDX-License-Identifier: Apache-2.0

// Package decode checks and takes apart the arguments of runtime calls that
// are more than an address or a number: clone's flags, futex's operation,
// clock identifiers, time-outs. It is the decode half of "decode, then
// invoke": nothing here changes anything, so all of it runs under go test.
//
// Sources: clone(2), futex(2), clock_gettime(2), poll(2); Linux
// kernel/fork.c and kernel/futex/syscalls.c for the order of the checks.
package decode

import (
	"math"

	"loam/abi"
)

// Never is the deadline that does not come.
const Never = int64(math.MaxInt64)

// Flags of clone that a thread must have, and those that it may have besides:
// they ask for what is so anyway, or for something that Clone's caller does.
const (
	threadFlags = abi.CLONE_VM | abi.CLONE_FS | abi.CLONE_FILES | abi.CLONE_SIGHAND | abi.CLONE_THREAD
	threadMay   = abi.CLONE_SYSVSEM | abi.CLONE_SETTLS | abi.CLONE_PARENT_SETTID |
		abi.CLONE_CHILD_CLEARTID | abi.CLONE_CHILD_SETTID | abi.CLONE_DETACHED | abi.CLONE_IO | abi.CLONE_CSIGNAL
)

// Clone checks clone's flags: 0 for a new thread of the caller's process.
// ENOSYS means a new process, which a program here doesn't get by copying
// itself; EINVAL what is contradictory, or a thread that wouldn't share all
// that threads here share.
func Clone(flags uint64) abi.Errno {
	switch {
	case flags&abi.CLONE_THREAD != 0 && flags&abi.CLONE_SIGHAND == 0,
		flags&abi.CLONE_SIGHAND != 0 && flags&abi.CLONE_VM == 0:
		return abi.EINVAL
	case flags&abi.CLONE_THREAD == 0:
		return abi.ENOSYS
	case flags&threadFlags != threadFlags, flags&^(threadFlags|threadMay) != 0:
		return abi.EINVAL
	}
	return 0
}

// Futex is a futex operation taken apart.
type Futex struct {
	Cmd     uint32 // FUTEX_WAIT and so on
	Private bool   // only threads of one address space meet there
	Real    bool   // the time-out is on the real-time clock
}

// FutexOp takes futex's operation apart. ENOSYS for the operations that Loam
// doesn't have (priority inheritance) and a clock where none belongs.
func FutexOp(op uint64) (Futex, abi.Errno) {
	f := Futex{
		Cmd:     uint32(op) &^ (abi.FUTEX_PRIVATE_FLAG | abi.FUTEX_CLOCK_REALTIME),
		Private: op&abi.FUTEX_PRIVATE_FLAG != 0,
		Real:    op&abi.FUTEX_CLOCK_REALTIME != 0,
	}
	switch f.Cmd {
	case abi.FUTEX_WAIT_BITSET:
		return f, 0
	case abi.FUTEX_WAIT, abi.FUTEX_WAKE, abi.FUTEX_WAKE_BITSET, abi.FUTEX_WAKE_OP, abi.FUTEX_REQUEUE, abi.FUTEX_CMP_REQUEUE:
		if !f.Real {
			return f, 0
		}
	}
	return Futex{}, abi.ENOSYS
}

// ClockKind is what a clock identifier stands for.
type ClockKind uint8

// The clocks.
const (
	BadClock   ClockKind = iota
	Monotonic            // since power-on
	Real                 // since 1970
	ProcessCPU           // that the caller's process has used
	ThreadCPU            // that the calling thread has used
)

// Clock tells what a clock identifier means. CPU clocks of other processes and
// threads, which are negative, are not there.
func Clock(id uint64) ClockKind {
	switch int32(id) {
	case abi.CLOCK_MONOTONIC, abi.CLOCK_MONOTONIC_RAW, abi.CLOCK_MONOTONIC_COARSE, abi.CLOCK_BOOTTIME:
		return Monotonic
	case abi.CLOCK_REALTIME, abi.CLOCK_REALTIME_COARSE, abi.CLOCK_TAI:
		return Real
	case abi.CLOCK_PROCESS_CPUTIME_ID:
		return ProcessCPU
	case abi.CLOCK_THREAD_CPUTIME_ID:
		return ThreadCPU
	}
	return BadClock
}

// After gives the deadline ns nanoseconds, not negative, after now.
func After(now, ns int64) int64 {
	if ns > Never-now {
		return Never
	}
	return now + ns
}

// Next gives when a timer with a period, not less than 1, that was due at the time at
// is due again: the first multiple of the period from at on that is after now, which
// isn't before at. What was missed is left out. Never: there is no such time.
func Next(at, period, now int64) int64 {
	ahead := period - (now-at)%period // from now on
	return After(now, ahead)
}

// Millis gives the deadline of a time-out in milliseconds as poll and
// epoll_wait take it: none when it is negative.
func Millis(now int64, ms int32) int64 {
	if ms < 0 {
		return Never
	}
	return now + int64(ms)*1_000_000
}

// Until converts an absolute time of a clock that runs offset ahead of the
// monotonic one to a deadline; one in the past becomes 0.
func Until(at, offset int64) int64 {
	if at == Never {
		return Never
	}
	return max(at-offset, 0)
}
