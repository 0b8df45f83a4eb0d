//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

// Descriptor tables (SDM vol. 3A chapters 3, 6, 7) and the control registers.

const (
	kernelCS = 0x08
	kernelSS = 0x10
	userSS   = 0x20 | 3
	userCS   = 0x28 | 3
	tssSel   = 0x30

	cr4PGE  = 1 << 7
	cr4UMIP = 1 << 11
	cr4SMEP = 1 << 20
	cr4SMAP = 1 << 21

	msrEFER  = 0xc0000080
	msrSTAR  = 0xc0000081
	msrLSTAR = 0xc0000082
	msrFMASK = 0xc0000084

	eferSCE = 1 << 0

	rflagsIF = 1 << 9
)

type gate struct{ lo, hi uint64 }

var idt [64]gate

// loadDescriptors fills and loads GDT, TSS and IDT.
func loadDescriptors(cpu *CPU) {
	tss := addr(&cpu.tss)
	cpu.tss[25] = 26 * 4 << 16 // I/O map base at the limit: no ports for users
	const limit = 26*4 - 1
	cpu.gdt = [8]uint64{
		0,
		0x00af9b000000ffff, // kernel code, 64 bits
		0x00cf93000000ffff, // kernel data
		0x00cffb000000ffff, // user code, 32 bits: SYSRET's base, never used
		0x00cff3000000ffff, // user data
		0x00affb000000ffff, // user code, 64 bits
		limit | tss&0xffffff<<16 | 0x89<<40 | tss>>24&0xff<<56,
		tss >> 32,
	}
	_, stub, _, _ := entries()
	for i := range idt {
		idt[i] = interruptGate(uint64(stub)+16*uint64(i), istOf(i), gateDPL(i))
	}
	gdtr, idtr := tablePointer(addr(&cpu.gdt), 8*8-1), tablePointer(addr(&idt), 64*16-1)
	loadTables(&gdtr, &idtr)
}

func tablePointer(at uint64, limit uint16) (p [10]byte) {
	p[0], p[1] = byte(limit), byte(limit>>8)
	for i := range 8 {
		p[2+i] = byte(at >> (8 * i))
	}
	return p
}

// istOf: everything on the trap stack, but for what may come at any
// instruction and must not find it in use.
func istOf(vector int) uint64 {
	switch vector {
	case 2: // NMI
		return 2
	case 8: // double fault
		return 3
	case 18: // machine check
		return 4
	}
	return 1
}

// gateDPL: INT3 and INTO are the user's to execute.
func gateDPL(vector int) uint64 {
	if vector == 3 || vector == 4 {
		return 3
	}
	return 0
}

func interruptGate(to, ist, dpl uint64) gate {
	const present, interrupt = 1 << 47, 0xe << 40
	return gate{
		lo: to&0xffff | kernelCS<<16 | ist<<32 | interrupt | dpl<<45 | present | to>>16&0xffff<<48,
		hi: to >> 32,
	}
}

func setIST(cpu *CPU, n int, top uint64) {
	cpu.tss[9+2*(n-1)] = uint32(top)
	cpu.tss[9+2*(n-1)+1] = uint32(top >> 32)
}

// enableSyscall points SYSCALL at syscallEntry. FMASK clears TF, IF, DF, NT
// and AC on the way in.
func enableSyscall() {
	const tf, df, nt, ac = 1 << 8, 1 << 10, 1 << 14, 1 << 18
	wrmsr(msrSTAR, kernelCS<<32|0x18<<48)
	_, _, entry, _ := entries()
	wrmsr(msrLSTAR, uint64(entry))
	wrmsr(msrFMASK, tf|rflagsIF|df|nt|ac)
	wrmsr(msrEFER, rdmsr(msrEFER)|eferSCE)
}

var hasSMAP, hasSMEP, hasRDRAND bool

// detectCPU turns on what the CPU has and the kernel uses.
func detectCPU(cpu *CPU) {
	_, _, c1, _ := cpuid(1, 0)
	_, b7, c7, _ := cpuid(7, 0)
	hasRDRAND = c1>>30&1 != 0
	hasSMEP, hasSMAP = b7>>7&1 != 0, b7>>20&1 != 0
	cr4 := readCR4()
	if hasSMEP {
		cr4 |= cr4SMEP
	}
	if hasSMAP {
		cr4 |= cr4SMAP
	}
	if c7>>2&1 != 0 {
		cr4 |= cr4UMIP
	}
	writeCR4(cr4)

	// x87, SSE, AVX; AVX-512 when all its parts are there and fit a Context.
	const basic, avx512, room = 0b111, 0b1110_0000, pageSize - 512
	have, _, _, _ := cpuid(13, 0)
	cpu.xcr0 = uint64(have) & basic
	if have&avx512 == avx512 {
		cpu.xcr0 |= avx512
	}
	xsetbv(cpu.xcr0)
	_, fpuSize, _, _ = cpuid(13, 0)
	if fpuSize > room {
		cpu.xcr0 &= basic
		xsetbv(cpu.xcr0)
		_, fpuSize, _, _ = cpuid(13, 0)
	}
}
