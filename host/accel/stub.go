// SPDX-License-Identifier: Apache-2.0

package accel

import (
	"encoding/binary"

	"loam/host/vm"
)

// guest is a probe guest.
type guest struct {
	machine vm.Machine
	image   func() []byte
	mark    string // what it prints, and no more
	silent  string // why it may not have
}

// guests are the probe guests, by the architecture.
var guests = map[string]guest{
	vm.AMD64:   {vm.MicroVM, stubImage, stubMark, "the probe guest did not come back from ring 3"},
	vm.RISCV64: {vm.Virt, virtStub, virtMark, "the probe guest said nothing on its serial port"},
}

// virtMark is what the guest for riscv64 prints on the first serial port: the host
// channel's has no address before the kernel gives it one.
const virtMark = "RISC"

// virtStub returns the probe guest for riscv64, which starts in machine mode: it
// prints and writes to the test finisher (hw/riscv/virt.c).
func virtStub() []byte {
	const (
		uart, finisher = 0x10000000, 0x100000
		end            = vm.StatusEnded<<16 | 0x3333 // fail with that status
		t0, t1         = 5, 6
	)
	var code []byte
	put := func(instruction uint32) { code = binary.LittleEndian.AppendUint32(code, instruction) }
	lui := func(rd, v uint32) { put(v&^0xfff | rd<<7 | 0x37) }
	addi := func(rd, rs, v uint32) { put(v&0xfff<<20 | rs<<15 | rd<<7 | 0x13) }
	store := func(kind, from, to uint32) { put(from<<20 | to<<15 | kind<<12 | 0x23) }
	lui(t0, uart)
	for _, c := range []byte(virtMark) {
		addi(t1, 0, uint32(c))
		store(0, t1, t0) // sb
	}
	lui(t0, finisher)
	lui(t1, end)
	addi(t1, t1, end)
	store(2, t1, t0) // sw
	put(0x6f)        // j .
	return code
}

// Layout of the probe image in guest memory. One page each for the three
// levels of page tables that map the first 2 MiB, and one for the code.
const (
	stubBase = 0x100000 // load address: 1 MiB
	stubPML4 = stubBase + 0x1000
	stubPDPT = stubBase + 0x2000
	stubPD   = stubBase + 0x3000
	stubGDT  = stubBase + 0x800 // in the code page
	stubLong = stubBase + 0x400 // 64-bit code, in the code page
	stubUser = stubBase + 0x500 // code for ring 3
	stubBack = stubBase + 0x600 // where its system call arrives
	stubGDTR = stubGDT + 40     // behind five descriptors

	// stubMark is what the guest prints when it has been in long mode and in
	// ring 3, with SSE, and back.
	stubMark = "LONG"
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
	0x0f, 0x01, 0x15, 0x28, 0x08, 0x10, 0x00, // lgdt [stubGDTR]
	0xea, 0x00, 0x04, 0x10, 0x00, 0x08, 0x00, // jmp  8:stubLong
}

// stub64 enables SSE and SYSCALL and goes to ring 3.
var stub64 = []byte{
	0x0f, 0x20, 0xe0, //             mov  rax, cr4
	0x0d, 0x00, 0x06, 0x00, 0x00, // or   eax, 3<<9      ; OSFXSR, OSXMMEXCPT
	0x0f, 0x22, 0xe0, //             mov  cr4, rax
	0xb9, 0x81, 0x00, 0x00, 0xc0, // mov  ecx, 0xc0000081 ; STAR
	0x31, 0xc0, //                   xor  eax, eax
	0xba, 0x08, 0x00, 0x10, 0x00, // mov  edx, 0x10<<16 | 8
	0x0f, 0x30, //                   wrmsr
	0xb9, 0x82, 0x00, 0x00, 0xc0, // mov  ecx, 0xc0000082 ; LSTAR
	0xb8, 0x00, 0x06, 0x10, 0x00, // mov  eax, stubBack
	0x31, 0xd2, //                   xor  edx, edx
	0x0f, 0x30, //                   wrmsr
	0xb9, 0x80, 0x00, 0x00, 0xc0, // mov  ecx, 0xc0000080 ; EFER
	0x0f, 0x32, //                   rdmsr
	0x0c, 0x01, //                   or   al, 1          ; SCE
	0x0f, 0x30, //                   wrmsr
	0xb9, 0x00, 0x05, 0x10, 0x00, // mov  ecx, stubUser
	0x41, 0xbb, 0x02, 0x00, 0x00, 0x00, // mov r11d, 2   ; RFLAGS
	0x48, 0x0f, 0x07, //             sysretq
}

// stubRing3 touches a vector register and returns to ring 0.
var stubRing3 = []byte{
	0x66, 0x0f, 0xef, 0xc0, // pxor xmm0, xmm0
	0x0f, 0x05, //             syscall
}

// stubEnd proves that it is back in 64-bit mode by using a 64-bit register,
// prints stubMark and ends the machine with vm.StatusEnded.
var stubEnd = []byte{
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
	copy(at(stubUser), stubRing3)
	copy(at(stubBack), stubEnd)
	// Null, code and data of ring 0, data and code of ring 3: the order that
	// SYSCALL and SYSRET want (Intel SDM vol. 3A, 5.8.8).
	for i, d := range []uint64{0, 0x00209b0000000000, 0x00cf93000000ffff, 0x00cff3000000ffff, 0x0020fb0000000000} {
		le.PutUint64(at(stubGDT+8*uint64(i)), d)
	}
	le.PutUint16(at(stubGDTR), 39)
	le.PutUint32(at(stubGDTR+2), stubGDT)
	// Present, writable, for ring 3 as well.
	le.PutUint64(at(stubPML4), stubPDPT|7)
	le.PutUint64(at(stubPDPT), stubPD|7)
	le.PutUint64(at(stubPD), 0x87) // a page of 2 MiB at 0
	return img
}
