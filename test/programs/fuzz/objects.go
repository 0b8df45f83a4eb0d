// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"syscall"

	"loam/abi"
	"loam/user/sys"
)

// Memory objects that a child has mapped in its arena when it begins.
const (
	pagedOffset  = 512 << 10 // the pages come from a pager, or from nobody
	sharedOffset = 768 << 10
	objectPages  = 16
	mapsSize     = 1 << 20 // behind the arena: where nothing is at first
)

// discover finds out which handles the child was given.
func (g *gen) discover() {
	for _, h := range []abi.Handle{abi.HandleProcess, abi.HandleSpace, abi.HandleThread} {
		g.know(h)
	}
	for i := 0; g.know(abi.GivenHandle(i)); i++ {
	}
}

// know notes what a handle is of.
func (g *gen) know(h abi.Handle) bool {
	var b [abi.HandleInfoSize]byte
	if sys.ObjectInfo(abi.CallHandleInfo, h, b[:]) != nil {
		return false
	}
	k := kindOf(abi.GetHandleInfo(b[:]).Kind)
	g.handles[k] = append(g.handles[k], uint64(h))
	g.handles[handle] = append(g.handles[handle], uint64(h))
	return true
}

// create makes an object by a call; the account, the table or the machine may be full.
func (g *gen) create(nr uint64, args ...uint64) {
	if h, e := call(nr, args...); e == 0 {
		g.know(abi.Handle(h))
	}
}

// furnish makes objects that the child has from the start.
func (g *gen) furnish() {
	for range 1 + g.IntN(2) {
		g.create(abi.CallEndpointCreate)
		g.create(abi.CallNotificationCreate)
	}
	g.create(abi.CallTimerCreate)
	g.create(abi.CallThreadCreate, uint64(abi.HandleProcess))
	g.create(abi.CallMemoryCreate, objectPages*abi.PageSize, 0, 0)
	g.mapMemory(sharedOffset)
	if some := g.handles[endpoint]; len(some) > 0 {
		g.create(abi.CallMemoryCreatePaged, objectPages*abi.PageSize, some[g.IntN(len(some))], 7, 0, 0)
	}
	g.mapMemory(pagedOffset)
	if some := g.handles[machine]; len(some) > 0 { // which may lack the right
		g.create(abi.CallMemoryCreateDMA, some[0], 2*abi.PageSize, 0)
		g.create(abi.CallDeviceMemory, some[0], holeAddr, abi.PageSize)
		g.create(abi.CallRegistersCreate, some[0], holeAddr+g.Uint64N(8)<<12+g.Uint64N(64)<<4, 16)
		g.create(abi.CallPortsCreate, some[0], safePort+safeSize/2+g.Uint64N(safeSize/2), 1)
		g.create(abi.CallInterruptCreate, some[0], g.Uint64N(24), 0)
		g.create(abi.CallInterruptCreateMessage, some[0], 0)
	}
	if g.IntN(4) == 0 { // nothing runs in it until thread_start
		b := make([]byte, abi.ProcessCreateSize)
		(&abi.ProcessCreate{Flags: abi.ProcessEmpty, Limits: abi.DefaultLimits()}).Put(b)
		if made, err := sys.ProcessCreate(b); err == nil {
			g.know(made.Process)
			g.know(made.Space)
			g.know(made.Thread)
		}
	}
}

// mapRecords maps the memory of the records: what the parent gave for that, so that it
// sees what comes of them, or the child's own.
func (g *gen) mapRecords() {
	const readWrite = syscall.PROT_READ | syscall.PROT_WRITE
	for _, h := range g.handles[memory] {
		var b [abi.MemoryInfoSize]byte
		if sys.ObjectInfo(abi.CallMemoryInfo, abi.Handle(h), b[:]) != nil {
			continue
		}
		if m := abi.GetMemoryInfo(b[:]); string(m.Name[:len(recordsName)]) == recordsName {
			if _, e := call(abi.CallMemoryMap, uint64(abi.HandleSpace), h, recordsAddr, 0, recordsSize, readWrite); e == 0 {
				return
			}
		}
	}
	mapAt(recordsAddr, recordsSize)
}

// recordsName is the name of memory for records.
const recordsName = "records"

// mapMemory maps the last memory object that the child knows of into its arena.
func (g *gen) mapMemory(offset uint64) {
	const readWrite = syscall.PROT_READ | syscall.PROT_WRITE
	some := g.handles[memory]
	if len(some) == 0 {
		return
	}
	_, _ = call(syscall.SYS_MUNMAP, arenaAddr+offset, objectPages*abi.PageSize)
	_, _ = call(abi.CallMemoryMap, uint64(abi.HandleSpace), some[len(some)-1], arenaAddr+offset, 0, objectPages*abi.PageSize, readWrite)
}
