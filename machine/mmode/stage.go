// SPDX-License-Identifier: Apache-2.0

package mmode

import (
	"loam/machine/bootinfo"
	"loam/machine/fdt"
	"loam/machine/riscv64"
	"loam/machine/sbi"
)

// stackSize is the size of a hart's stack in bytes. The image step proves that what
// runs there fits; all of them together are the stack of boot.
const stackSize = bootinfo.StageStack

// hart is what machine mode keeps of a hart. While the hart is in a lower mode
// mscratch has its address.
type hart struct {
	regs    [32]uint64 // the lower mode's registers, while the stage works for it
	id      uint64     // mhartid
	stack   uint64     // where its stack ends
	stage   uint64     // address of the stage
	soft    uint64     // address of msip, which raises its software interrupt
	compare uint64     // address of mtimecmp, 0 if there is none
	env     uint64     // what menvcfg is to have, later has
	index   uint32

	// Shared: what others ask of it, before they raise its software interrupt. A fence
	// is asked for by counting wanted up, and is done when done has come so far.
	ipi    uint32         // supervisor mode is to have a software interrupt
	wanted [fences]uint32 // as one word in assembly code, like done
	done   [fences]uint32

	g [16]uint64 // Go's g: zeros, so its stack guard is 0 and no stack is too small
}

// Kinds of fences.
const (
	fenceCode = iota
	fenceTables
	fences
)

// stage is all that machine mode keeps, in the block that is closed to lower modes.
type stage struct {
	server  sbi.Server
	harts   [sbi.MaxHarts]hart
	count   uint32
	waiting uint64 // the harts that wait for fences of others; shared
	uart    device
	test    uint64 // address of the test finisher, 0 if there is none

	clock    uint64 // address of mtime, 0 if there is none
	patience uint64 // of it: how long a hart may take to come

	stacks [sbi.MaxHarts][stackSize]byte
}

// What assembly code needs of others' constants.
const (
	pageSize    = bootinfo.PageSize
	flatHeader  = bootinfo.FlatHeader           // where the image's header is
	headerStage = bootinfo.ImageHeaderSize - 16 // StageStart in it
	linkedText  = bootinfo.ImageBase + 0x201000 // where text was linked
	stageSize   = bootinfo.StageSize
	maxHarts    = bootinfo.StageHarts

	softInterrupt  = riscv64.SoftInterrupt
	timerInterrupt = riscv64.TimerInterrupt
	machineSoft    = riscv64.MachineSoftInterrupt
	machineTimer   = riscv64.MachineTimerInterrupt
	causeSoft      = riscv64.CauseMachineSoft
	causeTimer     = riscv64.CauseMachineTimer
	causeCall      = riscv64.CauseKernelCall
	envTimer       = riscv64.EnvTimer

	wfi      = riscv64.WFI
	mret     = riscv64.MRET
	fenceI   = riscv64.FenceI
	fenceVMA = riscv64.FenceVMAAll

	delegated           = riscv64.Delegated
	delegatedExceptions = riscv64.DelegatedExceptions
	counters            = riscv64.CounterCycle | riscv64.CounterTime | riscv64.CounterInstret

	pmpAll    = riscv64.PMPAll
	pmpConfig = (riscv64.PMPRange|riscv64.PMPRead|riscv64.PMPWrite|riscv64.PMPExec)<<8 | riscv64.PMPRange

	statusMIE    = riscv64.StatusMIE
	statusMPP    = riscv64.StatusMPP
	statusVector = 1 << 9 // VS is Initial
	statusEnter  = riscv64.StatusMPPSupervisor | riscv64.StatusMPIE
	statusClear  = riscv64.StatusSIE | riscv64.StatusSPIE | riscv64.StatusSPP | riscv64.StatusMPP | riscv64.StatusFS |
		riscv64.StatusVS | riscv64.StatusMPRV | riscv64.StatusSUM | riscv64.StatusMXR | riscv64.StatusTVM |
		riscv64.StatusTW | riscv64.StatusTSR
)

var _ [sbi.MaxHarts]struct{} = [maxHarts]struct{}{}

// place is where boot finds itself. Addresses are physical.
type place struct {
	hart  uint64 // mhartid of the hart that boots
	tree  uint64 // the devicetree
	size  uint64 // of it, in bytes
	entry uint64 // of the kernel, in supervisor mode
	stage uint64
}

// trouble is why the stage can't be; the empty one is none.
type trouble struct {
	what  string
	value uint64
}

// prepare fills a stage of zeros.
func (s *stage) prepare(p *place, info *fdt.Info) trouble {
	s.uart, s.test = consoleOf(info), info.Test.Start
	s.server.NoConsole, s.server.NoReset = s.uart.base == 0, s.test == 0
	const seconds = 3
	s.patience = seconds * min(info.Ticks, 1<<32)
	end := p.stage + stageSize
	if !within(info, p.stage, end) {
		return trouble{"no memory for the stage at ", p.stage}
	}
	if overlap(p.stage, end, p.tree, p.size) {
		return trouble{"the devicetree lies in the stage's memory, at ", p.tree}
	}
	if overlap(p.stage, end, info.Initrd.Start, info.Initrd.Size) {
		return trouble{"the boot archive lies in the stage's memory, at ", info.Initrd.Start}
	}
	for k := range info.Memory[:min(info.MemoryCount, fdt.MaxRanges)] {
		s.addMemory(info.Memory[k], p.stage)
	}
	return s.addHarts(p, info)
}

// within reports whether start to end lies in one range of memory.
func within(info *fdt.Info, start, end uint64) bool {
	for k := range info.Memory[:min(info.MemoryCount, fdt.MaxRanges)] {
		if m := &info.Memory[k]; start >= m.Start && end-m.Start <= m.Size && end > start {
			return true
		}
	}
	return false
}

// overlap reports whether start to end has a byte of another range.
func overlap(start, end, other, size uint64) bool {
	return size != 0 && other < end && (other >= start || size > start-other)
}

// addMemory has the kernel name memory in its calls, but for the stage itself. (What
// finds no room can't be named.)
func (s *stage) addMemory(m fdt.Range, stage uint64) {
	end := m.Start + m.Size
	if !overlap(stage, stage+stageSize, m.Start, m.Size) {
		s.server.AddMemory(m.Start, m.Size)
		return
	}
	if m.Start < stage {
		s.server.AddMemory(m.Start, stage-m.Start)
	}
	if end > stage+stageSize {
		s.server.AddMemory(stage+stageSize, end-stage-stageSize)
	}
}

// addHarts makes the harts known that the kernel can run on, and has one of them
// boot: this one, or the first, if this one is none of them.
func (s *stage) addHarts(p *place, info *fdt.Info) trouble {
	first := 0
	for k := range info.Harts[:min(info.HartCount, fdt.MaxHarts)] {
		h := &info.Harts[k]
		if !h.Enabled || h.Bits == 0 {
			continue
		}
		switch {
		case h.Soft == 0:
			return trouble{"no CLINT or ACLINT has a software interrupt for hart ", h.ID}
		case h.Compare == 0 && !h.ISA.Has(riscv64.Sstc):
			return trouble{"no CLINT, ACLINT or Sstc has a timer for hart ", h.ID}
		}
		i := s.server.AddHart(h.ID, sbi.Stopped)
		if i < 0 {
			return trouble{"the devicetree has twice hart ", h.ID}
		}
		if h.ID == p.hart {
			first = i
		}
		s.clock = h.Time
		s.harts[i%maxHarts] = hart{id: h.ID, soft: h.Soft, compare: h.Compare, env: h.ISA.Env(), index: uint32(i),
			stage: p.stage, stack: p.stage + stackEnd(i)}
		s.count++
	}
	if s.count == 0 {
		return trouble{"the devicetree has no hart that is enabled and can translate addresses: of harts there are ", uint64(info.HartCount)}
	}
	s.server.Boot(first, p.entry, p.tree)
	return trouble{}
}
