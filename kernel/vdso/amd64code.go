// SPDX-License-Identifier: Apache-2.0

package vdso

// BuildAMD64 writes the image of amd64 to the text page, whose data page is the one
// before.
func BuildAMD64(page *[PageSize]byte) {
	clear(page[:])
	size := putClockAMD64(page)
	symbols := [...]symbol{{"__vdso_clock_gettime", codeAt, size}}
	im := image{machine: 62, version: "LINUX_2.6", hash: 0x3ae75f6, symbols: symbols[:]}
	im.put(page)
}

// putClockAMD64 writes int clock_gettime(clockid_t edi, struct timespec *rsi) by the
// C calling convention of the System V ABI, and returns its size.
func putClockAMD64(page *[PageSize]byte) uint64 {
	w := writer{page: page, at: codeAt}
	w.bytes("\x83\xff\x01") // cmp edi, CLOCK_MONOTONIC
	known := w.jump(0x74)   // je
	w.bytes("\x85\xff")     // test edi, edi: CLOCK_REALTIME
	other := w.jump(0x75)   // jne
	w.land(known)
	w.bytes("\x0f\xae\xe8")         // lfence: not before what came earlier
	w.bytes("\x0f\x31")             // rdtsc
	w.bytes("\x48\xc1\xe2\x20")     // shl rdx, 32
	w.bytes("\x48\x09\xd0")         // or rax, rdx
	w.data("\x48\xf7\x25", scaleAt) // mul qword [scale]
	w.bytes("\x48\x0f\xac\xd0\x20") // shrd rax, rdx, 32
	w.bytes("\x85\xff")             // test edi, edi
	monotonic := w.jump(0x75)       // jne
	w.data("\x48\x03\x05", wallAt)  // add rax, [wall]
	w.land(monotonic)               //
	w.bytes("\x31\xd2")             // xor edx, edx
	w.bytes("\xb9\x00\xca\x9a\x3b") // mov ecx, 1000000000
	w.bytes("\x48\xf7\xf1")         // div rcx
	w.bytes("\x48\x89\x06")         // mov [rsi], rax
	w.bytes("\x48\x89\x56\x08")     // mov [rsi+8], rdx
	w.bytes("\x31\xc0\xc3")         // xor eax, eax; ret
	w.land(other)                   //
	w.bytes("\xb8\xe4\x00\x00\x00") // mov eax, SYS_clock_gettime
	w.bytes("\x0f\x05\xc3")         // syscall; ret
	return uint64(w.at - codeAt)
}

// jump writes a short jump with an opcode; land sets where it goes.
func (w *writer) jump(opcode byte) (from int) {
	w.bytes(string([]byte{opcode, 0}))
	return w.at
}

func (w *writer) land(from int) { w.page[from-1] = byte(w.at - from) }

// data writes an instruction whose operand lies in the data page, the page
// before this one, at a distance from the instruction's end.
func (w *writer) data(opcode string, offset int) {
	w.bytes(opcode)
	w.u32(uint32(offset - PageSize - (w.at + 4)))
}
