// SPDX-License-Identifier: Apache-2.0

package native

import (
	"loam/internal/wasmfile"
	"loam/internal/wasmrv64"
)

// failed is the -1 of memory.grow and table.grow.
const failed = 1<<32 - 1

// builtin executes an instruction for code, or returns the trap that it is.
func (i *Instance) builtin(info uint64) (trap wasmrv64.Trap, ok bool) {
	a := i.area()
	n := [3]uint64{uint64(uint32(a[0])), uint64(uint32(a[1])), uint64(uint32(a[2]))}
	x, y := int(info>>8&0xffffff), int(info>>32)
	switch wasmrv64.Builtin(info) {
	case wasmrv64.MemoryGrow, wasmrv64.MemoryInit, wasmrv64.DataDrop:
		return wasmrv64.TrapMemory, i.memoryOp(wasmrv64.Builtin(info), x, n)
	}
	return wasmrv64.TrapTable, i.tableOp(wasmrv64.Builtin(info), x, y, n)
}

// within reports whether a range lies in something of the given size.
func within(at, n uint64, size int) bool { return at+n <= uint64(size) }

func (i *Instance) memoryOp(b wasmrv64.Builtin, x int, n [3]uint64) bool {
	c := i.context
	size := int(c[wasmrv64.CtxMemoryEnd] - c[wasmrv64.CtxMemory])
	switch b {
	case wasmrv64.MemoryGrow:
		before, ok := i.memory.Grow(uint32(n[0]))
		if !ok {
			before = failed
		}
		i.moved()
		i.area()[0] = uint64(before)
		return true
	case wasmrv64.DataDrop:
		i.data[x] = nil
		return true
	}
	if !within(n[1], n[2], len(i.data[x])) || !within(n[0], n[2], size) {
		return false
	}
	return i.memory.Write(uint32(n[0]), i.data[x][n[1]:n[1]+n[2]])
}

func (i *Instance) tableOp(b wasmrv64.Builtin, x, y int, n [3]uint64) bool {
	a := i.area()
	switch b {
	case wasmrv64.ElemDrop:
		i.elements[x] = nil
	case wasmrv64.TableGrow:
		a[0] = i.growTable(x, a[0], n[1])
	case wasmrv64.TableGet:
		if !within(n[0], 1, len(i.tables[x])) {
			return false
		}
		a[0] = i.tables[x][n[0]]
	case wasmrv64.TableSet:
		if !within(n[0], 1, len(i.tables[x])) {
			return false
		}
		i.tables[x][n[0]] = a[1]
	case wasmrv64.TableFill:
		if !within(n[0], n[2], len(i.tables[x])) {
			return false
		}
		for k := range n[2] {
			i.tables[x][n[0]+k] = a[1]
		}
	case wasmrv64.TableInit:
		if !within(n[1], n[2], len(i.elements[x])) || !within(n[0], n[2], len(i.tables[y])) {
			return false
		}
		copy(i.tables[y][n[0]:], i.elements[x][n[1]:n[1]+n[2]])
	case wasmrv64.TableCopy:
		if !within(n[0], n[2], len(i.tables[x])) || !within(n[1], n[2], len(i.tables[y])) {
			return false
		}
		copy(i.tables[x][n[0]:n[0]+n[2]], i.tables[y][n[1]:])
	}
	return true
}

// growTable makes a table longer by n elements of value v, and returns its
// length before, or failed.
func (i *Instance) growTable(x int, v, n uint64) uint64 {
	t := i.tables[x]
	most := uint64(wasmfile.MaxTable)
	if l := i.m.Tables[x]; l.HasMax {
		most = min(most, uint64(l.Max))
	}
	before := uint64(len(t))
	if before+n > most {
		return failed
	}
	more := make([]uint64, before+n)
	copy(more, t)
	for k := before; k < before+n; k++ {
		more[k] = v
	}
	i.setTable(x, more)
	return before
}
