// SPDX-License-Identifier: Apache-2.0

package amd64

import "encoding/binary"

// Startup is what one page below 1 MiB holds to bring another processor from
// a start-up interrupt (real mode, CS = page / 16, IP = 0, SDM 3A 8.4) through
// protected mode to the kernel's 64-bit entry.
//
// The processor first takes its turn: by one locked instruction it exchanges
// the ticket of its own APIC id for zero, and halts if that isn't what it
// finds. So one that comes late, when another one is already being started,
// never runs with the other's structure, and whoever starts it can take the
// ticket back and knows for sure whether it was taken. All this happens before
// paging is on, so the page needn't be writable in Root's tables.
//
// The order for each processor: write StartupCPU, then store its ticket at
// StartupTurn, send INIT and start-ups, wait for the entry's sign of life.
// After a time-out exchange the ticket for zero; if it was gone, the processor
// is on its way. In both cases another INIT makes it deaf again, to NMI too.
//
// One direct step from real to long mode would be shorter, and work on what we
// know, but the manual (SDM 3A 9.8.5) starts from protected mode.
type Startup struct {
	Page  uint64 // physical address of the page: a multiple of 4096, below 1 MiB
	Root  uint32 // of page tables that map Page to itself, executable, and Entry
	Entry uint64 // virtual address, entered with RDI = CPU; RSP is undefined
	CPU   uint64 // virtual address of the processor's structure
	APIC  uint32 // id of its local APIC
}

// Fields of the page that may be changed for the next processor, as offsets.
const (
	StartupTurn  = 0xe0 // 32 bits: StartupTicket of who may come, 0: nobody
	StartupRoot  = 0xe4 // 32 bits
	StartupEntry = 0xe8 // 64 bits
	StartupCPU   = 0xf0 // 64 bits
)

// The rest of the page's layout.
const (
	startup32   = 0x040 // 32-bit code
	startup64   = 0x0a0 // 64-bit code
	startupGDT  = 0x100 // null, KernelCode, KernelData, startupCode
	startupGDTR = 0x120 // operand of LGDT

	startupCode  = 0x18     // selector of 32-bit code
	startupDesc  = 4        // descriptors
	startupValid = 1 << 8   // makes a ticket other than zero
	startupLimit = 0x100000 // real mode reaches no further
	cpuidAPIC    = 24       // EBX of LeafFeatures: the id's low 8 bits from here
	descCode32   = segment | segCode | segBig
)

// StartupTicket returns what StartupTurn holds for the processor whose local
// APIC has this id. It carries what CPUID tells the processor of itself, the
// id's low 8 bits.
func StartupTicket(apic uint32) uint32 { return startupValid | apic&0xff }

// Put fills page, which is the memory at s.Page, and says whether s is
// possible: if not, page is as it was. The ticket is in place, too.
func (s *Startup) Put(page *[4096]byte) bool {
	if s.Page%4096 != 0 || s.Page >= startupLimit || s.Root%4096 != 0 {
		return false
	}
	*page = [4096]byte{}
	le := binary.LittleEndian
	le.PutUint32(page[StartupTurn:], StartupTicket(s.APIC))
	le.PutUint32(page[StartupRoot:], s.Root)
	le.PutUint64(page[StartupEntry:], s.Entry)
	le.PutUint64(page[StartupCPU:], s.CPU)

	base := uint32(s.Page)
	le.PutUint64(page[startupGDT+KernelCode:], DescKernelCode)
	le.PutUint64(page[startupGDT+KernelData:], DescKernelData)
	le.PutUint64(page[startupGDT+startupCode:], descCode32)
	le.PutUint16(page[startupGDTR:], startupDesc*8-1)
	le.PutUint32(page[startupGDTR+2:], base+startupGDT)

	c := startupCoder{page: page}
	c.real(base)
	c.at = startup32
	c.protected(base)
	c.at = startup64
	c.long()
	return true
}

// startupCoder writes instructions, which Go's assembler can't encode for
// these modes.
type startupCoder struct {
	page *[4096]byte
	at   int
}

func (c *startupCoder) emit(b ...byte) {
	for _, v := range b {
		c.page[c.at] = v
		c.at++
	}
}

func (c *startupCoder) imm16(v uint16) { c.emit(byte(v), byte(v>>8)) }
func (c *startupCoder) imm32(v uint32) { c.imm16(uint16(v)); c.imm16(uint16(v >> 16)) }

// relative emits the distance of an offset of the page from the next
// instruction, as operands relative to RIP have it.
func (c *startupCoder) relative(off int) { c.imm32(uint32(off - (c.at + 4))) }

// real is the 16-bit part. CD and NW survive an INIT (SDM 3A 9.1.1).
func (c *startupCoder) real(base uint32) {
	c.emit(0xfa)                   // cli
	c.emit(0xfc)                   // cld
	c.emit(0x8c, 0xc8)             // mov ax, cs
	c.emit(0x8e, 0xd8)             // mov ds, ax
	c.emit(0x66, 0x0f, 0x01, 0x16) // lgdt [gdtr]     ; 66: all 32 bits of the base
	c.imm16(startupGDTR)           //
	c.emit(0x0f, 0x20, 0xc0)       // mov eax, cr0
	c.emit(0x66, 0x25)             // and eax, ~(CD|NW)
	c.imm32(^uint32(CR0CacheDisable | CR0NotThrough))
	c.emit(0x66, 0x83, 0xc8, CR0ProtectedMode) // or eax, PE
	c.emit(0x0f, 0x22, 0xc0)                   // mov cr0, eax
	c.emit(0x66, 0xea)                         // ljmp code32:protected
	c.imm32(base + startup32)
	c.imm16(startupCode)
}

// protected is the 32-bit part, physical addresses through flat segments.
func (c *startupCoder) protected(base uint32) {
	c.emit(0xb8)
	c.imm32(KernelData) // mov eax, KernelData
	c.emit(0x8e, 0xd8)  // mov ds, eax

	c.emit(0xb8)
	c.imm32(LeafFeatures)          // mov eax, 1
	c.emit(0x0f, 0xa2)             // cpuid
	c.emit(0xc1, 0xeb, cpuidAPIC)  // shr ebx, 24
	c.emit(0x81, 0xcb)             //
	c.imm32(startupValid)          // or ebx, valid
	c.emit(0x89, 0xd8)             // mov eax, ebx
	c.emit(0x31, 0xc9)             // xor ecx, ecx
	c.emit(0xf0, 0x0f, 0xb1, 0x0d) // lock cmpxchg [turn], ecx
	c.imm32(base + StartupTurn)    //
	c.emit(0x74, 0x03)             // je mine
	c.emit(0xf4)                   // halt: hlt       ; interrupts are off
	c.emit(0xeb, 0xfd)             // jmp halt

	c.emit(0xb8) // mine:
	c.imm32(CR4PhysicalExtended)
	c.emit(0x0f, 0x22, 0xe0) // mov cr4, PAE    ; and nothing else, PGE least of all
	c.emit(0xa1)
	c.imm32(base + StartupRoot) // mov eax, [root]
	c.emit(0x0f, 0x22, 0xd8)    // mov cr3, eax
	c.emit(0xb9)
	c.imm32(MSREFER)   // mov ecx, EFER
	c.emit(0x0f, 0x32) // rdmsr
	c.emit(0x0d)
	c.imm32(EFERSyscall | EFERLongMode | EFERNoExec) // or eax, SCE|LME|NXE
	c.emit(0x0f, 0x30)                               // wrmsr
	c.emit(0x0f, 0x20, 0xc0)                         // mov eax, cr0
	c.emit(0x0d)
	c.imm32(CR0Paging | CR0WriteProtect) // or eax, PG|WP
	c.emit(0x0f, 0x22, 0xc0)             // mov cr0, eax    ; compatibility mode from here
	c.emit(0xea)                         // ljmp KernelCode:long
	c.imm32(base + startup64)
	c.imm16(KernelCode)
}

// long is the 64-bit part, on the tables of StartupRoot.
func (c *startupCoder) long() {
	c.emit(0xb8)
	c.imm32(KernelData)      // mov eax, KernelData
	c.emit(0x8e, 0xd8)       // mov ds, eax
	c.emit(0x8e, 0xc0)       // mov es, eax
	c.emit(0x8e, 0xd0)       // mov ss, eax
	c.emit(0x8e, 0xe0)       // mov fs, eax
	c.emit(0x8e, 0xe8)       // mov gs, eax
	c.emit(0x48, 0x8b, 0x3d) // mov rdi, [cpu]
	c.relative(StartupCPU)
	c.emit(0xff, 0x25) // jmp [entry]
	c.relative(StartupEntry)
}
