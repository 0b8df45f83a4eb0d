// SPDX-License-Identifier: Apache-2.0

package amd64

// Selectors of the global descriptor table. SYSCALL loads CS from STAR[47:32]
// and SS 8 above it; SYSRETQ loads SS 8 above STAR[63:48] and CS 16 above it,
// both with privilege 3 (SDM 2B, SYSCALL, SYSRET): hence the order.
const (
	KernelCode = 0x08
	KernelData = 0x10
	SysretBase = 0x18 | 3 // SYSRETQ counts from it; the entry is empty
	UserData   = 0x20 | 3
	UserCode   = 0x28 | 3
	TaskState  = 0x30 // a 16-byte descriptor

	GDTEntries = 8 // words, the null descriptor and both of TaskState included
)

// Segment descriptors, SDM 3A 3.4.5 and 5.2.1. In 64-bit mode base and limit
// of code and data are ignored; the flat ones are what other tools expect.
// Accessed is set, so the processor need not write the table.
const (
	segFlat     = 0x00cf_0000_0000_ffff &^ (0x40 << 48) // granular, limit 4 GiB
	segBig      = 1 << 54                               // D/B: 32-bit default
	segLong     = 1 << 53                               // L: 64-bit code
	segPresent  = 1 << 47
	segUser     = 3 << 45   // descriptor privilege level 3
	segCodeData = 1 << 44   // not a system descriptor
	segCode     = 0xb << 40 // execute, read, accessed
	segData     = 0x3 << 40 // read, write, accessed
	segTSS      = 0x9 << 40 // available 64-bit TSS, SDM 3A 3.5 table 3-2

	segment = segFlat | segPresent | segCodeData
)

// Descriptors of the selectors above.
const (
	DescKernelCode = segment | segCode | segLong
	DescKernelData = segment | segData | segBig
	DescUserData   = segment | segData | segBig | segUser
	DescUserCode   = segment | segCode | segLong | segUser
)

// TSSDescriptor returns both words of the descriptor of a task-state segment
// at base with limit bytes less one, SDM 3A 8.2.3 figure 8-4.
func TSSDescriptor(base uint64, limit uint32) (low, high uint64) {
	low = segPresent | segTSS |
		uint64(limit&0xffff) | uint64(limit>>16&0xf)<<48 |
		base&0xff_ffff<<16 | base>>24&0xff<<56
	return low, base >> 32
}

// FillGDT writes a global descriptor table whose TaskState is the segment at
// tss. There is no 32-bit code segment: in one a SYSCALL would enter the kernel
// through CSTAR (APM vol. 2, 6.1.1), which nothing serves.
func FillGDT(gdt *[GDTEntries]uint64, tss uint64) {
	low, high := TSSDescriptor(tss, TSSSize-1)
	*gdt = [GDTEntries]uint64{0, DescKernelCode, DescKernelData,
		0, DescUserData, DescUserCode, low, high}
}

// TSSSize is the size of a task-state segment with no I/O bitmap.
const TSSSize = 104

// TSS is a 64-bit task-state segment, SDM 3A 8.7 figure 8-11, as 32-bit
// words: its 64-bit fields are not aligned.
type TSS [TSSSize / 4]uint32

// SetStack sets the stack pointer for entries into privilege level 0.
func (t *TSS) SetStack(sp uint64) { t.set(1, sp) }

// Stack returns the stack pointer for entries into privilege level 0.
func (t *TSS) Stack() uint64 { return uint64(t[1]) | uint64(t[2])<<32 }

// SetIST sets interrupt stack n, 1 to 7.
func (t *TSS) SetIST(n int, sp uint64) { t.set(9+2*(n-1)&15, sp) }

// IST returns interrupt stack n, 1 to 7.
func (t *TSS) IST(n int) uint64 {
	at := 9 + 2*(n-1)&15
	return uint64(t[at]) | uint64(t[at+1])<<32
}

// NoIOMap says that there is no I/O permission bitmap: its base is the limit.
func (t *TSS) NoIOMap() { t[25] = TSSSize << 16 }

func (t *TSS) set(at int, v uint64) { t[at], t[at+1] = uint32(v), uint32(v>>32) }

// TSSStackOffset is the offset of the level 0 stack pointer in a TSS.
const TSSStackOffset = 4
