// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"context"
	"encoding/binary"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/tetratelabs/wazero/api"
	wasys "github.com/tetratelabs/wazero/sys"
	"golang.org/x/sys/unix"

	"loam/user/sys"
)

// put writes strings that have a NUL behind each, and the address of each.
func put(m memory, text string, n int, pointers, at uint32) Errno {
	list, ok := m.bytes(pointers, uint32(4*n))
	b, fits := m.bytes(at, uint32(len(text)))
	if !ok || !fits {
		return errnoFault
	}
	copy(b, text)
	for ; n > 0; n-- {
		binary.LittleEndian.PutUint32(list, at)
		next := strings.IndexByte(text, 0) + 1
		list, text, at = list[4:], text[next:], at+uint32(next)
	}
	return errnoSuccess
}

// putSizes writes how many strings there are, and of how many bytes.
func putSizes(m memory, n, size int, count, bytes uint64) Errno {
	if e := m.put32(uint32(count), uint32(n)); e != errnoSuccess {
		return e
	}
	return m.put32(uint32(bytes), uint32(size))
}

func argsGet(s *System, m memory, p []uint64) Errno {
	return put(m, s.args.String(), s.argc, uint32(p[0]), uint32(p[1]))
}

func argsSizesGet(s *System, m memory, p []uint64) Errno {
	return putSizes(m, s.argc, s.args.Len(), p[0], p[1])
}

func environGet(s *System, m memory, p []uint64) Errno {
	return put(m, s.env.String(), s.envc, uint32(p[0]), uint32(p[1]))
}

func environSizesGet(s *System, m memory, p []uint64) Errno {
	return putSizes(m, s.envc, s.env.Len(), p[0], p[1])
}

// Clocks. Linux has the same numbers.
const (
	clockRealtime  = 0
	clockMonotonic = 1
	clockThread    = 3
)

func clockResGet(_ *System, m memory, p []uint64) Errno {
	var t unix.Timespec
	if uint32(p[0]) > clockThread {
		return errnoInval
	}
	if err := unix.ClockGetres(int32(p[0]), &t); err != nil {
		return errnoOf(err)
	}
	return m.put64(uint32(p[1]), uint64(t.Nano()))
}

func clockTimeGet(s *System, m memory, p []uint64) Errno {
	now, e := s.now(uint32(p[0]))
	if e != errnoSuccess {
		return e
	}
	return m.put64(uint32(p[2]), now)
}

// now is the time of a clock in nanoseconds. For the two that programs ask all the time Go's runtime needs no
// system call.
func (s *System) now(clock uint32) (uint64, Errno) {
	switch clock {
	case clockRealtime:
		return uint64(time.Now().UnixNano()), errnoSuccess
	case clockMonotonic:
		return uint64(sys.Monotonic()), errnoSuccess
	}
	var t unix.Timespec
	if clock > clockThread {
		return 0, errnoInval
	}
	err := unix.ClockGettime(int32(clock), &t)
	return uint64(t.Nano()), errnoOf(err)
}

func randomGet(s *System, m memory, p []uint64) Errno {
	b, ok := m.bytes(uint32(p[0]), uint32(p[1]))
	if !ok {
		return errnoFault
	}
	_, err := io.ReadFull(s.random, b)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return errnoIO
	}
	return errnoOf(err)
}

// schedYield lets others run: goroutines of this program, or threads, which the kernel has.
func schedYield(s *System, _ memory, _ []uint64) Errno {
	if s.threads {
		_, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	} else {
		runtime.Gosched()
	}
	return errnoSuccess
}

func procExit(ctx context.Context, m api.Module, p []uint64) { exit(ctx, m, uint32(p[0])) }

// exit ends the module.
func exit(ctx context.Context, m api.Module, status uint32) {
	_ = m.CloseWithExitCode(ctx, status)
	panic(wasys.NewExitError(status))
}

// linuxSignals are Linux's numbers of WASI's signals that end a process; of others, 0 means that they do nothing, and
// stops that they stop it.
var linuxSignals = [...]uint8{
	1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9, 10: 10, 11: 11, 12: 12, 13: 13, 14: 14, 15: 15,
	18: stops, 19: stops, 20: stops, 21: stops, 23: 24, 24: 25, 25: 26, 26: 27, 28: 29, 29: 30, 30: 31,
}

const stops = 0xff

// procRaise ends the module as the signal would a process: no signal has a handler in WASI.
func procRaise(ctx context.Context, m api.Module, p []uint64) {
	signal := uint32(p[0])
	switch {
	case signal >= uint32(len(linuxSignals)):
		p[0] = uint64(errnoInval)
	case linuxSignals[signal] == stops:
		p[0] = uint64(errnoNotsup)
	case linuxSignals[signal] == 0:
		p[0] = uint64(errnoSuccess)
	default:
		exit(ctx, m, 128+uint32(linuxSignals[signal]))
	}
}
