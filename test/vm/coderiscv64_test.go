// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"slices"

	"loam/abi"
	rv "loam/test/rv64"
)

// System calls of riscv64, whose numbers package abi has for its own builds only.
const (
	rvEventfd2      = 19
	rvPipe2         = 59
	rvWrite         = 64
	rvExit          = 93
	rvExitGroup     = 94
	rvSetTidAddress = 96
	rvNanosleep     = 101
	rvSetitimer     = 103
	rvSchedYield    = 124
	rvKill          = 129
	rvSigreturn     = 139
	rvGetpid        = 172
	rvBrk           = 214
	rvClone         = 220
	rvMmap          = 222
)

// words is one piece of code of several instructions.
func words(w ...uint32) []uint32 { return w }

func exitRISCV64(n uint32) []byte { return rv.Join(rv.Call(rvExitGroup, uint64(n))) }

// killRISCV64 is kill(getpid(), signal).
func killRISCV64(signal uint32) []byte {
	return rv.Join(rv.Call(rvGetpid), rv.LI(rv.A1, uint64(signal)), rv.Call(rvKill))
}

// sumRISCV64 is exit(the sum of the bytes at some addresses).
func sumRISCV64(addrs ...uint32) []byte {
	var all []uint32
	for _, a := range addrs {
		all = slices.Concat(all, rv.LI(rv.T0, uint64(a)), words(rv.LBU(rv.T1, rv.T0, 0), rv.ADD(rv.S0, rv.S0, rv.T1)))
	}
	return rv.Join(all, words(rv.MV(rv.A0, rv.S0)), rv.Call(rvExitGroup))
}

var riscv64Code = code{
	exit:    exitRISCV64,
	sum:     sumRISCV64,
	where:   whereRISCV64(),
	deaths:  deathsRISCV64,
	wears:   wearsRISCV64(),
	escapes: escapesRISCV64(),
}

// newMegabyte is mmap(0, 1 MiB, RW, PRIVATE|ANONYMOUS, -1, 0).
var newMegabyte = rv.Call(rvMmap, 0, 1<<20, 3, 0x22, 1<<64-1, 0)

func whereRISCV64() []byte {
	return rv.Join(
		words(rv.AUIPC(rv.S0, 0), rv.MV(rv.S1, rv.SP)),
		newMegabyte, words(rv.MV(rv.S2, rv.A0)),
		rv.Call(rvBrk, 0),
		words(rv.ADDI(rv.SP, rv.SP, -32),
			rv.SD(rv.S0, rv.SP, 0), rv.SD(rv.S1, rv.SP, 8), rv.SD(rv.A0, rv.SP, 16), rv.SD(rv.S2, rv.SP, 24),
			rv.MV(rv.A1, rv.SP)),
		rv.LI(rv.A0, 1), rv.LI(rv.A2, 32), rv.Call(rvWrite),
		rv.Call(rvExitGroup, 0))
}

// at is an address in A0, and what is done with it.
func at(addr uint64, w uint32) []byte { return rv.Join(rv.LI(rv.A0, addr), words(w)) }

var deathsRISCV64 = []death{
	{"read of nothing", rv.Code(rv.LD(rv.A0, rv.Zero, 16)), 139, "segmentation fault at 0x10"},
	{"write to its own code", rv.Code(rv.AUIPC(rv.A0, 0), rv.SB(rv.A0, rv.A0, 0)), 139, "segmentation fault at 0x400000"},
	{"read of the kernel", at(0xffffffff80201000, rv.LD(rv.A0, rv.A0, 0)), 139, "segmentation fault at 0xffffffff80201000"},
	{"read of the kernel's heap", at(abi.UserLimitRISCV64, rv.LD(rv.A0, rv.A0, 0)), 139, "segmentation fault at 0x3000000000"},
	{"jump to the kernel", at(0xffffffff80201000, rv.JR(rv.A0)), 139, "segmentation fault at 0xffffffff80201000"},
	{"jump to nowhere", at(1<<38, rv.JR(rv.A0)), 139, "segmentation fault at 0x4000000000"},
	{"write to the exit device", at(0x100000, rv.SW(rv.A0, rv.A0, 0)), 139, "segmentation fault at 0x100000"},
	{"write to the serial port", at(0x10000000, rv.SB(rv.A0, rv.A0, 0)), 139, "segmentation fault at 0x10000000"},
	{"sret", rv.Code(rv.SRet), 132, "illegal instruction"},
	{"write to satp", rv.Code(rv.CSRRW(rv.Zero, 0x180, rv.Zero)), 132, "illegal instruction"},
	{"unimp", rv.Code(rv.Illegal), 132, "illegal instruction"},
	{"zeros", make([]byte, 4), 132, "illegal instruction"},
	{"misaligned atomic", at(0x500004, rv.AMOADD(rv.A1, rv.A2, rv.A0)), 135, "bus error"},
	{"ebreak", rv.Code(rv.EBreak), 133, "trap"},
	{"abort", killRISCV64(6), 134, ""},
	{"bus error sent", killRISCV64(7), 135, ""},
	{"kill", killRISCV64(9), 137, ""},
	{"terminate", killRISCV64(15), 143, ""},
	{"user signal", killRISCV64(10), 138, ""},
	{"alarm", killRISCV64(14), 142, ""},
	{"pipe", killRISCV64(13), 141, ""},
	{"last real-time signal", killRISCV64(64), 192, ""},
	{"forged signal frame", rv.Join(rv.Call(rvSigreturn)), 139, "segmentation fault"},
	{"stack pointer gone", rv.Code(rv.MV(rv.SP, rv.Zero), rv.SD(rv.A0, rv.SP, -8)), 139, "segmentation fault"},
	{"recursion for ever", rv.Code(rv.ADDI(rv.SP, rv.SP, -16), rv.SD(rv.RA, rv.SP, 8), rv.JAL(rv.RA, -8)), 139, "segmentation fault"},
	{"division by zero goes on", rv.Join(words(rv.DIV(rv.A0, rv.SP, rv.Zero)), rv.Call(rvExitGroup)), 255, ""},
	{"exit", exitRISCV64(7), 7, ""},
	{"exit of all bits", exitRISCV64(0xffffffff), 255, ""},
	{"ignored signal", join(killRISCV64(17), exitRISCV64(5)), 5, ""},
}

func wearsRISCV64() []wear {
	forever := func(body ...[]uint32) []byte { return rv.Join(rv.Loop(body...)) }
	return []wear{
		{"calls without end", forever(rv.Call(rvGetpid)), []int{124}},
		{"yields without end", forever(rv.Call(rvSchedYield)), []int{124}},
		{"unknown calls without end", forever(rv.Call(9999)), []int{124}},
		{"mappings without end", forever(newMegabyte), []int{124}},
		// The store faults when mmap fails.
		{"touched mappings without end", forever(newMegabyte, words(rv.SW(rv.A0, rv.A0, 0))), []int{137, 139}},
		// clone(a thread, stack 0x510000): both go on in the loop
		{"threads that make threads", forever(rv.Call(rvClone, 0x50f00, 0x510000, 0, 0, 0)), []int{124}},
		{"pipes without end", forever(rv.Call(rvPipe2, 0x500000, 0)), []int{124}},
		{"signals to oneself without end", rv.Join(rv.Call(rvGetpid), words(rv.MV(rv.S0, rv.A0)),
			rv.Loop(words(rv.MV(rv.A0, rv.S0)), rv.LI(rv.A1, 17), rv.Call(rvKill))), []int{124}},
	}
}

// escapesRISCV64 are amd64's but for those of its 32-bit code.
func escapesRISCV64() []escape {
	readData := join(at(0x500000, rv.LBU(rv.A0, rv.A0, 0)))
	setTid := rv.Join(rv.Call(rvSetTidAddress, 0x500008))
	alarm := rv.Join(words(rv.ADDI(rv.SP, rv.SP, -48), rv.SD(rv.Zero, rv.SP, 0), rv.SD(rv.Zero, rv.SP, 8), rv.SD(rv.Zero, rv.SP, 16)),
		rv.LI(rv.T0, 50000), words(rv.SD(rv.T0, rv.SP, 24), rv.MV(rv.A1, rv.SP)),
		rv.LI(rv.A0, 0), rv.LI(rv.A2, 0), rv.Call(rvSetitimer))
	return []escape{
		{"exit copies a page", join(readData, setTid, exitRISCV64(7)), 7},
		{"exit of the thread copies a page", join(readData, setTid, rv.Join(rv.Call(rvExit, 8))), 8},
		{"alarm copies a page", join(readData, alarm, rv.Join(
			rv.LI(rv.T0, 10), words(rv.SD(rv.T0, rv.SP, 32), rv.SD(rv.Zero, rv.SP, 40), rv.ADDI(rv.A0, rv.SP, 32)),
			rv.LI(rv.A1, 0x500008), rv.Call(rvNanosleep)), exitRISCV64(99)), 142},
		{"eventfd overflows", join(alarm, rv.Join(
			rv.Call(rvEventfd2, 1, 0),
			rv.LI(rv.T0, 1<<64-2), words(rv.SD(rv.T0, rv.SP, 32), rv.ADDI(rv.A1, rv.SP, 32)),
			rv.LI(rv.A2, 8), rv.Call(rvWrite)), exitRISCV64(99)), 142},
	}
}
