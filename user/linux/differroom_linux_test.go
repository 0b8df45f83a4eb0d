// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// roomSteps are about the room that files take, seals, and paths with bounds.
var roomSteps = []func(*differ) bool{stepHole, stepHole, stepAllocate, stepMode, stepMemfd, stepSeals, stepSeals, stepOpenat2, stepOpenat2, stepOpenat2}

// TestDifferRoom makes calls of chance, many of these among them.
func TestDifferRoom(t *testing.T) {
	n := uint64(60)
	if testing.Short() {
		n = 12
	}
	for seed := range n {
		differSeed(t, seed, 400, func(d *differ, w *world) {
			empty(w)
			d.steps = slices.Concat(differSteps, slices.Repeat(roomSteps, 4))
		})
		if t.Failed() {
			return
		}
	}
}

// stepMode is stepAllocate with any mode.
func stepMode(d *differ) bool {
	_, _, ok := d.same(lx.SysFallocate, d.slot(), num(uint64(d.r.IntN(512))), num(uint64(d.r.IntN(100_000))), num(uint64(d.r.IntN(100_000))))
	return ok
}

// stepMemfd makes a file without a name that can be sealed, or not.
func stepMemfd(d *differ) bool {
	const closeExec, sealing, noExec, exec = 1, 2, 8, 16
	i := 1 + d.r.IntN(slots-1)
	return d.open(i, lx.SysMemfdCreate, mem(pathAt), num(d.flags(closeExec, sealing, sealing, noExec, exec, 1<<20)))
}

// stepSeals adds seals, or asks for them.
func stepSeals(d *differ) bool {
	command, seals := uint64(lx.F_ADD_SEALS), d.flags(lx.SealSeal, lx.SealShrink, lx.SealGrow, lx.SealWrite, lx.SealFutureWrite, lx.SealExec, 1<<20)
	if d.r.IntN(2) == 0 {
		command = lx.F_GET_SEALS
	}
	_, _, ok := d.same(lx.SysFcntl, d.slot(), num(command), num(seals))
	return ok
}

// stepOpenat2 opens a path with bounds.
func stepOpenat2(d *differ) bool {
	flags := d.flags(abi.O_CREAT, abi.O_NOFOLLOW, abi.O_DIRECTORY, abi.O_PATH, abi.O_CLOEXEC)
	if d.r.IntN(3) == 0 {
		flags |= d.flags(abi.O_EXCL, abi.O_TRUNC, 1<<40)
	}
	if flags&abi.O_PATH == 0 {
		flags |= abi.O_NONBLOCK
	}
	mode := uint64(0)
	if flags&abi.O_CREAT != 0 || d.r.IntN(10) == 0 {
		mode = modes[d.r.IntN(len(modes))]
	}
	resolve := d.flags(lx.ResolveNoXdev, lx.ResolveNoMagicLinks, lx.ResolveNoSymlinks, lx.ResolveBeneath, lx.ResolveInRoot)
	size := []uint64{lx.OpenHowSize, lx.OpenHowSize, lx.OpenHowSize, lx.OpenHowSize - 8, lx.OpenHowSize + 8, 5000}[d.r.IntN(6)]
	for _, s := range []*side{&d.ours, &d.host} {
		b := s.memory[dataAt : dataAt+64]
		clear(b)
		for i, v := range []uint64{flags, mode, resolve} {
			binary.LittleEndian.PutUint64(b[8*i:], v)
		}
	}
	i := 1 + d.r.IntN(slots-1)
	d.log = append(d.log, fmt.Sprintf("  flags %#x mode %#o resolve %#x", flags, mode, resolve))
	at := d.at()
	if d.r.IntN(2) == 0 {
		at = slot(uint64(d.r.IntN(slots)))
	}
	return d.open(i, lx.SysOpenat2, at, mem(pathAt), mem(dataAt), num(size))
}

// stepHole looks for data or a hole.
func stepHole(d *differ) bool {
	whence := num(uint64(lx.SeekData + d.r.IntN(3)))
	_, _, ok := d.same(lx.SysLseek, d.slot(), num(uint64(d.r.IntN(120_000))-1000), whence)
	return ok
}
