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
	"loam/user/linux/vfs"
)

// TestDifferInotify makes calls of chance on a tree that is watched.
func TestDifferInotify(t *testing.T) {
	differSeeds(t, 60, 12, 400, func(d *differ, w *world) {
		empty(w)
		d.watched = true
		d.steps = slices.Concat(differSteps, inotifySteps, inotifySteps, inotifySteps)
	})
}

var inotifySteps = []func(*differ) bool{stepInotify, stepWatch, stepWatch, stepWatch, stepWatch, stepUnwatch, stepReadEvents, stepReadEvents, stepReadEvents}

func stepInotify(d *differ) bool {
	i := 1 + d.r.IntN(slots-1)
	ok := d.open(i, lx.SysInotifyInit1, num(abi.O_NONBLOCK|d.flags(abi.O_CLOEXEC)))
	d.kind[i] = 'i'
	return ok
}

func stepWatch(d *differ) bool {
	mask := []uint64{inAll, inAll, vfs.InCreate | vfs.InDelete, vfs.InModify | vfs.InAttrib | vfs.InMovedTo | vfs.InMovedFrom, uint64(d.r.Uint32())}[d.r.IntN(5)]
	mask |= d.flags(inOnlyDir, inDontFollow)
	if d.r.IntN(6) == 0 {
		mask |= []uint64{inMaskAdd, inMaskCreate, inOneShot}[d.r.IntN(3)]
	}
	mask &^= inExclUnlink // which means nothing here
	_, _, ok := d.same(lx.SysInotifyAddWatch, d.slot(), mem(pathAt), num(mask))
	return ok
}

func stepUnwatch(d *differ) bool {
	_, _, ok := d.same(lx.SysInotifyRmWatch, d.slot(), num(uint64(d.r.IntN(6))))
	return ok
}

// stepReadEvents reads all that has happened.
func stepReadEvents(d *differ) bool {
	for i := range uint64(slots) {
		if d.kind[i] != 'i' || !d.opened[i] {
			continue
		}
		clear(d.ours.memory[dataAt : dataAt+dataLen])
		clear(d.host.memory[dataAt : dataAt+dataLen])
		ours, host, ok := d.same(lx.SysRead, slot(i), mem(dataAt), num(dataLen))
		a, b := inEvents(d.ours.memory[dataAt:], ours), inEvents(d.host.memory[dataAt:], host)
		if !ok || !slices.Equal(a, b) {
			d.log = append(d.log, fmt.Sprintf("slot%d:\n  %q\n  %q", i, a, b))
			return false
		}
	}
	return true
}

// inEvents lists events: cookies by the order in which they come.
func inEvents(b []byte, n uint64) (all []string) {
	if _, bad := abi.Failed(n); bad || n < 16 {
		return nil
	}
	cookies := map[uint32]int{0: 0}
	for b = b[:n]; len(b) >= 16; {
		le := binary.LittleEndian
		cookie := le.Uint32(b[8:])
		if _, ok := cookies[cookie]; !ok {
			cookies[cookie] = len(cookies)
		}
		size := 16 + int(le.Uint32(b[12:]))
		if size > len(b) {
			break
		}
		all = append(all, fmt.Sprintf("%d %#x %d %s", int32(le.Uint32(b)), le.Uint32(b[4:]), cookies[cookie], b[16:size]))
		b = b[size:]
	}
	return all
}
