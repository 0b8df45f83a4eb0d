// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"encoding/binary"
	"os/signal"
	"syscall"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestDifferPipes makes calls of chance that move bytes between files and pipes, and on timers.
func TestDifferPipes(t *testing.T) {
	signal.Ignore(syscall.SIGPIPE)
	differSeeds(t, 60, 12, 400, func(d *differ, w *world) {
		empty(w)
		d.steps = pipeSteps
	})
}

var pipeSteps = []func(*differ) bool{
	stepPipe, stepPipe, stepSplice, stepSplice, stepSplice, stepSplice, stepSplice, stepTee, stepTee, stepSendfileAny, stepSendfileAny,
	stepShortWrite, stepShortWrite, stepRead, stepRead, stepRead, stepPoll, stepPoll, stepEpoll, stepEpollCtl, stepEpollCtl, stepEpollWait, stepClose,
	stepSignalfd, stepTimerfd, stepSetTimer, stepSetTimer, stepGetTimer, stepOpen, stepDup, stepFstat,
	plain(lx.SysLseek, func(d *differ) []arg { return []arg{d.slot(), num(uint64(d.r.IntN(9000))), num(0)} }),
}

// shortOffset puts an offset into both memories, or gives none.
func (d *differ) shortOffset(at int) arg {
	if d.r.IntN(3) > 0 {
		return num(0)
	}
	off := uint64(d.r.IntN(9000)) - 10
	for _, s := range []*side{&d.ours, &d.host} {
		binary.LittleEndian.PutUint64(s.memory[at:], off)
	}
	return mem(uint64(at))
}

func (d *differ) spliceFlag() arg { return num(spliceNonblock | d.flags(1, 16)) }

func stepSplice(d *differ) bool {
	in, out := d.slot(), d.slot()
	if d.kind[in.v] == 'v' || d.kind[out.v] == 'v' || d.kind[in.v] == 'e' || d.kind[out.v] == 'e' { // EINVAL of one kind or another
		return true
	}
	from, to := d.shortOffset(pathAt), d.shortOffset(pathAt+8)
	_, _, ok := d.same(lx.SysSplice, in, from, out, to, num(uint64(d.r.IntN(200))), d.spliceFlag())
	return ok && d.memorySame(pathAt, 16)
}

func stepTee(d *differ) bool {
	_, _, ok := d.same(lx.SysTee, d.slot(), d.slot(), num(uint64(d.r.IntN(200))), d.spliceFlag())
	return ok
}

func stepSendfileAny(d *differ) bool {
	out, in := d.slot(), d.slot()
	if d.kind[in.v] != 'r' || d.kind[out.v] == 'v' || d.kind[out.v] == 'e' {
		return true
	}
	at := d.shortOffset(pathAt)
	_, _, ok := d.same(lx.SysSendfile, out, in, at, num(uint64(d.r.IntN(200))))
	return ok && d.memorySame(pathAt, 8)
}

func stepShortWrite(d *differ) bool {
	d.data()
	_, _, ok := d.same(lx.SysWrite, d.slot(), mem(dataAt), num(uint64(d.r.IntN(300))))
	return ok
}

func stepTimerfd(d *differ) bool {
	i := 1 + d.r.IntN(slots-1)
	clock := []uint64{0, 1, 7, 2, 12}[d.r.IntN(5)]
	ok := d.open(i, lx.SysTimerfdCreate, num(clock), num(abi.O_NONBLOCK|d.flags(abi.O_CLOEXEC, 1)))
	d.kind[i] = 'v'
	return ok
}

// stepSignalfd makes a file of signals that don't come, or gives one another mask.
func stepSignalfd(d *differ) bool {
	for _, s := range []*side{&d.ours, &d.host} {
		binary.LittleEndian.PutUint64(s.memory[pathAt:], 1<<30|1<<8)
	}
	size, flags := num(8), num(abi.O_NONBLOCK|d.flags(abi.O_CLOEXEC, 1))
	if d.r.IntN(8) == 0 {
		size = num(4)
	}
	if d.r.IntN(2) == 0 {
		at := d.slot()
		ours, host, ok := d.same(lx.SysSignalfd4, at, mem(pathAt), size, flags)
		return ok || ours == d.ours.fds[at.v] && host == d.host.fds[at.v]
	}
	i := 1 + d.r.IntN(slots-1)
	ok := d.open(i, lx.SysSignalfd4, num(1<<64-1), mem(pathAt), size, flags)
	d.kind[i] = 'v'
	return ok
}

// stepSetTimer sets a timer for long ago, or for a time that doesn't come.
func stepSetTimer(d *differ) bool {
	spec := []int64{0, 0, 0, 0}
	flags := uint64(1)
	switch d.r.IntN(5) {
	case 0:
		spec[2] = 1 << 40
	case 1:
		spec[3] = 1 // long ago
	case 2:
		spec[3] = 1e9 + int64(d.r.IntN(2)) - 1
	case 3:
		flags = 8
	case 4:
		spec[0], spec[2] = -1, 5
	}
	for _, s := range []*side{&d.ours, &d.host} {
		for i, v := range spec {
			binary.LittleEndian.PutUint64(s.memory[pathAt+8*i:], uint64(v))
		}
	}
	_, _, ok := d.same(lx.SysTimerfdSettime, d.slot(), num(flags), mem(pathAt), num(0))
	d.w.Tick()
	return ok
}

func stepGetTimer(d *differ) bool {
	ours, _, ok := d.same(lx.SysTimerfdGettime, d.slot(), mem(dataAt))
	if ours != 0 || !ok {
		return ok
	}
	for _, s := range []*side{&d.ours, &d.host} { // what is left isn't the same
		left := binary.LittleEndian.Uint64(s.memory[dataAt+16:]) + binary.LittleEndian.Uint64(s.memory[dataAt+24:])
		clear(s.memory[dataAt+16 : dataAt+32])
		if left > 0 {
			s.memory[dataAt+16] = 1
		}
	}
	return d.memorySame(dataAt, 32)
}
