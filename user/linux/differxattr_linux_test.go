// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"slices"
	"strings"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestDifferXattr makes calls of chance about extended attributes.
func TestDifferXattr(t *testing.T) {
	differSeeds(t, 40, 10, 400, func(d *differ, w *world) {
		empty(w)
		d.steps = slices.Concat(differSteps, slices.Repeat([]func(*differ) bool{stepXattr}, 60))
	})
}

func stepXattr(d *differ) bool {
	d.data()
	names := []string{"user.a", "user.a", "user.b", "trusted.a", "security.x", "user.", "none.a", "plain", "", "user." + strings.Repeat("n", 249), "user." + strings.Repeat("n", 252)}
	d.both(pathAt2, names[d.r.IntN(len(names))]+"\x00")
	file, which := mem(pathAt), d.r.IntN(3)
	if which == 2 {
		file = d.slot()
		if k := d.kind[file.v]; k == 'e' || k == 'v' || d.ours.fds[file.v] > 1000 { // whose inode is nobody's
			return true
		}
	}
	size := num(uint64(d.r.IntN(40)))
	at := dataAt + 4096
	clear(d.ours.memory[at : at+400])
	clear(d.host.memory[at : at+400])
	set := []int{lx.SysSetxattr, lx.SysLsetxattr, lx.SysFsetxattr}[which]
	get := []int{lx.SysGetxattr, lx.SysLgetxattr, lx.SysFgetxattr}[which]
	remove := []int{lx.SysRemovexattr, lx.SysLremovexattr, lx.SysFremovexattr}[which]
	list := []int{lx.SysListxattr, lx.SysLlistxattr, lx.SysFlistxattr}[which]
	var ok bool
	switch d.r.IntN(5) {
	case 0, 1:
		_, _, ok = d.same(set, file, mem(pathAt2), mem(dataAt), size, num(d.flags(1, 2, 4)))
	case 2:
		_, _, ok = d.same(get, file, mem(pathAt2), mem(uint64(at)), size)
	case 3:
		_, _, ok = d.same(remove, file, mem(pathAt2))
	case 4: // in any order
		ours, host := d.ours.call(list, []arg{file, mem(uint64(at)), num(0)}), d.host.call(list, []arg{file, mem(uint64(at)), num(0)})
		d.note(list, []arg{file}, ours, host)
		_, bad := abi.Failed(ours)
		return ours == host || !bad && !d.free
	}
	return ok && d.memorySame(at, 400)
}
