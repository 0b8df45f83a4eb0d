// SPDX-License-Identifier: Apache-2.0

package image

import (
	"encoding/binary"

	"loam/machine/bootinfo"
)

// Layout of the boot segment, as offsets from BootAddr.
const (
	headerOff  = 0x0000 // bootinfo.ImageHeader
	gdtOff     = 0x0080 // three descriptors, then the pseudo-descriptor for LGDT
	gdtrOff    = gdtOff + 3*8
	codeOff    = 0x0100 // trampoline, entered here
	messageOff = 0x0300 // what it says on a CPU it cannot use, NUL-terminated
	tablesOff  = 0x1000 // page tables, one page each
	pml4Off    = tablesOff
	pdptLowOff = tablesOff + 1*pageSize
	pdptTopOff = tablesOff + 2*pageSize
	pdOff      = tablesOff + 3*pageSize // four of them: 4 GiB
	bootSize   = tablesOff + 7*pageSize
)

// Selectors of the early GDT.
const (
	selCode = 0x08
	selData = 0x10
)

// Bits used below: Intel SDM vol. 3A, 2.5 (CR0, CR4), 2.2.1 (EFER), 4.5
// (page-table entries); CPUID bits: vol. 2A, CPUID, leaf 80000001H EDX.
const (
	cr0WP   = 1 << 16
	cr0NW   = 1 << 29
	cr0CD   = 1 << 30
	cr0PG   = 1 << 31
	cr4PAE  = 1 << 5
	msrEFER = 0xc0000080
	eferSCE = 1 << 0
	eferLME = 1 << 8
	eferNXE = 1 << 11
	cpuidNX = 1 << 20
	cpuidLM = 1 << 29

	pteP  = 1 << 0
	pteRW = 1 << 1
	ptePS = 1 << 7
	pteNX = 1 << 63
)

const noLongMode = "loam: this CPU has no 64-bit mode or no NX bit; Loam needs both " +
	"(with QEMU: choose a 64-bit -cpu)\r\n"

// bootSegment builds the boot segment for a kernel whose 64-bit entry is at
// the virtual address entry.
func bootSegment(h *bootinfo.ImageHeader, entry uint64) []byte {
	b := make([]byte, bootSize)
	h.Encode(b[headerOff:])
	putGDT(b)
	putTables(b)
	code := trampoline(entry)
	if len(code) > messageOff-codeOff || len(noLongMode) >= tablesOff-messageOff {
		panic("image: trampoline does not fit")
	}
	copy(b[codeOff:], code)
	copy(b[messageOff:], noLongMode)
	return b
}

// putGDT writes a flat 64-bit code and a flat data descriptor, accessed bits
// set so that the CPU need not write them.
func putGDT(b []byte) {
	le := binary.LittleEndian
	le.PutUint64(b[gdtOff+selCode:], 0x00af9b000000ffff) // P, DPL 0, code RX, L
	le.PutUint64(b[gdtOff+selData:], 0x00cf93000000ffff) // P, DPL 0, data RW
	le.PutUint16(b[gdtrOff:], 3*8-1)                     // limit
	le.PutUint32(b[gdtrOff+2:], BootAddr+gdtOff)         // base
}

// putTables writes the early page tables. Physical 0..4 GiB by 2 MiB pages
// appear three times, all through the same page directories:
//
//	PML4[0]    identity, where the trampoline runs when paging goes on
//	PML4[256]  early direct map, not executable as a whole
//	PML4[511]  PDPT[510]: the first GiB, the kernel image's addresses
func putTables(b []byte) {
	set := func(table, index int, v uint64) {
		binary.LittleEndian.PutUint64(b[table+8*index:], v)
	}
	table := func(off int) uint64 { return uint64(BootAddr+off) | pteP | pteRW }

	set(pml4Off, 0, table(pdptLowOff))
	set(pml4Off, 256, table(pdptLowOff)|pteNX)
	set(pml4Off, 511, table(pdptTopOff))
	set(pdptTopOff, 510, table(pdOff))
	for gib := range 4 {
		set(pdptLowOff, gib, table(pdOff+gib*pageSize))
		for i := range 512 {
			phys := uint64(gib)<<30 | uint64(i)<<21
			set(pdOff+gib*pageSize, i, phys|pteP|pteRW|ptePS)
		}
	}
}

// trampoline returns the code that takes the CPU from the state that PVH
// promises (32-bit protected mode, flat segments, paging off, EBX = physical
// address of hvm_start_info; no stack) to the kernel's 64-bit entry, with
// RDI = that address and RSI = virtual address of the image header.
func trampoline(entry uint64) []byte {
	c := &code32{origin: BootAddr + codeOff}

	c.emit(0xfa)       // cli
	c.emit(0xfc)       // cld
	c.emit(0x89, 0xdf) // mov edi, ebx          ; CPUID overwrites EBX

	// Without long mode or NX there is no way on. A CPU without the extended
	// leaves answers 80000000H with something below 80000001H.
	c.emit(0xb8)
	c.imm32(0x80000000) // mov eax, 80000000h
	c.emit(0x0f, 0xa2)  // cpuid
	c.emit(0x3d)
	c.imm32(0x80000001)     // cmp eax, 80000001h
	c.short(opJB, "refuse") // jb refuse
	c.emit(0xb8)
	c.imm32(0x80000001) // mov eax, 80000001h
	c.emit(0x0f, 0xa2)  // cpuid
	c.emit(0x81, 0xe2)
	c.imm32(cpuidNX | cpuidLM) // and edx, NX|LM
	c.emit(0x81, 0xfa)
	c.imm32(cpuidNX | cpuidLM) // cmp edx, NX|LM
	c.short(opJE, "go")        // je go

	refuse(c)

	c.label("go")
	c.emit(0xb8)
	c.imm32(BootAddr + pml4Off) // mov eax, pml4
	c.emit(0x0f, 0x22, 0xd8)    // mov cr3, eax
	c.emit(0xb8)
	c.imm32(cr4PAE)          // mov eax, PAE          ; and nothing else, PGE least of all
	c.emit(0x0f, 0x22, 0xe0) // mov cr4, eax
	c.emit(0xb9)
	c.imm32(msrEFER)   // mov ecx, EFER
	c.emit(0x0f, 0x32) // rdmsr
	c.emit(0x0d)
	c.imm32(eferSCE | eferLME | eferNXE) // or eax, SCE|LME|NXE
	c.emit(0x0f, 0x30)                   // wrmsr
	c.emit(0x0f, 0x20, 0xc0)             // mov eax, cr0
	c.emit(0x25)
	c.imm32(^uint32(cr0CD | cr0NW)) // and eax, ~(CD|NW)
	c.emit(0x0d)
	c.imm32(cr0PG | cr0WP)   // or eax, PG|WP
	c.emit(0x0f, 0x22, 0xc0) // mov cr0, eax          ; compatibility mode from here
	c.emit(0x0f, 0x01, 0x15)
	c.imm32(BootAddr + gdtrOff) // lgdt [gdtr]
	far := c.here() + 7         // the far jump itself is seven bytes
	c.emit(0xea)
	c.imm32(far)
	c.imm16(selCode) // ljmp selCode:far      ; 64-bit mode from here

	c.emit(0xb8)
	c.imm32(selData)   // mov eax, selData
	c.emit(0x8e, 0xd8) // mov ds, eax
	c.emit(0x8e, 0xc0) // mov es, eax
	c.emit(0x8e, 0xd0) // mov ss, eax
	c.emit(0x8e, 0xe0) // mov fs, eax
	c.emit(0x8e, 0xe8) // mov gs, eax
	c.emit(0x89, 0xff) // mov edi, edi          ; upper half of RDI is undefined until now
	c.emit(0x48, 0xbe)
	c.imm64(bootinfo.ImageBase + BootAddr + headerOff) // movabs rsi, header
	c.emit(0x48, 0xb8)
	c.imm64(entry)     // movabs rax, entry
	c.emit(0xff, 0xe0) // jmp rax

	return c.finish()
}

// refuse emits the way out on a CPU that cannot run the kernel: the message on
// COM1 (as the firmware or reset left it), QEMU's isa-debug-exit with the code
// of a kernel panic, and a halt for machines that have no such device.
func refuse(c *code32) {
	c.label("refuse")
	c.emit(0xbe)
	c.imm32(BootAddr + messageOff) // mov esi, message
	c.short(opJMP, "next")         // jmp next

	c.label("wait")    // AL holds the character; give the UART a bounded time
	c.emit(0x88, 0xc4) // mov ah, al
	c.emit(0xb9)
	c.imm32(1 << 16) // mov ecx, 65536
	c.label("poll")
	c.emit(0x66, 0xba)
	c.imm16(0x3fd)     // mov dx, COM1 line status
	c.emit(0xec)       // in al, dx
	c.emit(0xa8, 0x20) // test al, 20h          ; transmitter holding register empty
	c.short(opJNE, "send")
	c.short(opLOOP, "poll")
	c.label("send")
	c.emit(0x88, 0xe0) // mov al, ah
	c.emit(0x66, 0xba)
	c.imm16(0x3f8) // mov dx, COM1 data
	c.emit(0xee)   // out dx, al
	c.label("next")
	c.emit(0xac)       // lodsb
	c.emit(0x84, 0xc0) // test al, al
	c.short(opJNE, "wait")

	c.emit(0xb8)
	c.imm32(0x11) // mov eax, 11h
	c.emit(0x66, 0xba)
	c.imm16(0xf4) // mov dx, isa-debug-exit
	c.emit(0xef)  // out dx, eax
	c.label("halt")
	c.emit(0xf4)           // hlt
	c.short(opJMP, "halt") // jmp halt
}
