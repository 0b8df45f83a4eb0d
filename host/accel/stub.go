// SPDX-License-Identifier: Apache-2.0

package accel

import "encoding/binary"

// Layout of the probe image in guest memory. One page each for the three
// levels of page tables that map the first 2 MiB, and one for the code.
const (
	stubBase = 0x100000 // load address: 1 MiB
	stubPML4 = stubBase + 0x1000
	stubPDPT = stubBase + 0x2000
	stubPD   = stubBase + 0x3000
	stubGDT  = stubBase + 0x800 // in the code page
	stubLong = stubBase + 0x400 // 64-bit code, in the code page

	// stubMark is what the guest prints when it has reached long mode.
	stubMark = "LONG"
	// stubStatus is QEMU's exit status after the guest wrote 0x10 to
	// isa-debug-exit: value<<1 | 1.
	stubStatus = 33
)

// stub32 is the PVH entry: 32-bit protected mode, paging off (PVH boot
// protocol, Xen docs/misc/pvh.pandoc). It turns on PAE, long mode and paging
// (Intel SDM vol. 3A, 10.8.5) and jumps to the 64-bit code segment.
var stub32 = []byte{
	0x0f, 0x20, 0xe0, //             mov  eax, cr4
	0x83, 0xc8, 0x20, //             or   eax, 1<<5      ; PAE
	0x0f, 0x22, 0xe0, //             mov  cr4, eax
	0xb8, 0x00, 0x10, 0x10, 0x00, // mov  eax, stubPML4
	0x0f, 0x22, 0xd8, //             mov  cr3, eax
	0xb9, 0x80, 0x00, 0x00, 0xc0, // mov  ecx, 0xc0000080 ; EFER
	0x0f, 0x32, //                   rdmsr
	0x0d, 0x00, 0x01, 0x00, 0x00, // or   eax, 1<<8      ; LME
	0x0f, 0x30, //                   wrmsr
	0x0f, 0x20, 0xc0, //             mov  eax, cr0
	0x0d, 0x00, 0x00, 0x00, 0x80, // or   eax, 1<<31     ; PG
	0x0f, 0x22, 0xc0, //             mov  cr0, eax
	0x0f, 0x01, 0x15, 0x18, 0x08, 0x10, 0x00, // lgdt [stubGDT+24]
	0xea, 0x00, 0x04, 0x10, 0x00, 0x08, 0x00, // jmp  8:stubLong
}

// stub64 proves that it runs in long mode by using a 64-bit register, prints
// stubMark and ends the machine.
var stub64 = []byte{
	0x48, 0xb8, 'L', 'O', 'N', 'G', 0x10, 0x00, 0x00, 0x00, // mov rax, 0x10<<32 | "LONG"
	0xe6, 0xe9, //             out  0xe9, al
	0x48, 0xc1, 0xe8, 0x08, // shr  rax, 8
	0xe6, 0xe9, //             out  0xe9, al
	0x48, 0xc1, 0xe8, 0x08, // shr  rax, 8
	0xe6, 0xe9, //             out  0xe9, al
	0x48, 0xc1, 0xe8, 0x08, // shr  rax, 8
	0xe6, 0xe9, //             out  0xe9, al
	0x48, 0xc1, 0xe8, 0x08, // shr  rax, 8               ; eax = 0x10
	0xe7, 0xf4, //             out  0xf4, eax
	0xf4,       //             hlt
	0xeb, 0xfd, //             jmp  hlt
}

// stubImage returns the probe guest: an ELF that QEMU boots by its PVH note
// (type 18, name "Xen"), 4 pages of memory, no firmware services used.
func stubImage() []byte {
	const (
		noteOff = 0x200
		dataOff = 0x1000
		memSize = 0x4000
	)
	le := binary.LittleEndian
	img := make([]byte, dataOff+memSize)
	copy(img, "\x7fELF\x02\x01\x01")
	le.PutUint16(img[16:], 2)  // ET_EXEC
	le.PutUint16(img[18:], 62) // EM_X86_64
	le.PutUint32(img[20:], 1)
	le.PutUint64(img[24:], stubBase) // e_entry
	le.PutUint64(img[32:], 64)       // e_phoff
	le.PutUint16(img[52:], 64)       // e_ehsize
	le.PutUint16(img[54:], 56)       // e_phentsize
	le.PutUint16(img[56:], 2)        // e_phnum
	phdr := func(i int, typ, flags uint32, off, addr, size, align uint64) {
		p := img[64+56*i:]
		le.PutUint32(p, typ)
		le.PutUint32(p[4:], flags)
		for j, v := range []uint64{off, addr, addr, size, size, align} {
			le.PutUint64(p[8+8*j:], v)
		}
	}
	phdr(0, 1, 7, dataOff, stubBase, memSize, 0x1000) // PT_LOAD
	phdr(1, 4, 4, noteOff, 0, 24, 4)                  // PT_NOTE
	note := img[noteOff:]
	le.PutUint32(note, 4)      // name size
	le.PutUint32(note[4:], 8)  // desc size
	le.PutUint32(note[8:], 18) // XEN_ELFNOTE_PHYS32_ENTRY
	copy(note[12:], "Xen\x00")
	le.PutUint64(note[16:], stubBase)

	at := func(addr uint64) []byte { return img[dataOff+addr-stubBase:] }
	copy(at(stubBase), stub32)
	copy(at(stubLong), stub64)
	le.PutUint64(at(stubGDT+8), 0x00209b0000000000) // 64-bit code, ring 0
	le.PutUint16(at(stubGDT+24), 15)                // GDTR: limit, base
	le.PutUint32(at(stubGDT+26), stubGDT)
	le.PutUint64(at(stubPML4), stubPDPT|3)
	le.PutUint64(at(stubPDPT), stubPD|3)
	le.PutUint64(at(stubPD), 0x83) // 2 MiB page at 0, present, writable
	return img
}
