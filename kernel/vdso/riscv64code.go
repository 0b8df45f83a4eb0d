// SPDX-License-Identifier: Apache-2.0

package vdso

// SigreturnRISCV64 is where rt_sigreturn lies in the text page of riscv64, in
// bytes: what a signal's handler returns to (signal.EnterRISCV64).
const SigreturnRISCV64 = codeAt

// callsRISCV64 are the functions of riscv64 that are a call and nothing else, by
// its number. Unwinders know a signal's frame by the two instructions of the first.
var callsRISCV64 = [...]struct {
	name   string
	number uint32
}{
	{"__vdso_rt_sigreturn", 139},
	{"__vdso_gettimeofday", 169},
	{"__vdso_clock_getres", 114},
	{"__vdso_getcpu", 168},
	{"__vdso_flush_icache", 259},
	{"__vdso_riscv_hwprobe", 258},
}

// BuildRISCV64 writes the image of riscv64 to the text page, whose data page is the
// one before.
func BuildRISCV64(page *[PageSize]byte) {
	clear(page[:])
	var symbols [len(callsRISCV64) + 1]symbol
	w := writer{page: page, at: codeAt}
	for i := range callsRISCV64 {
		c := &callsRISCV64[i]
		at := w.at
		w.call(c.number)
		symbols[i] = symbol{c.name, uint64(at), uint64(w.at - at)}
	}
	at := w.at
	w.clockRISCV64()
	symbols[len(callsRISCV64)] = symbol{"__vdso_clock_gettime", uint64(at), uint64(w.at - at)}
	im := image{machine: 243, flags: 4, version: "LINUX_4.15", hash: 0xae77f75, symbols: symbols[:]} // floats in registers
	im.put(page)
}

// call writes a function that makes a call. Its error is the function's result:
// what Linux's functions give is that too.
func (w *writer) call(number uint32) {
	w.u32(0x00000893 | number<<20) // li a7, number
	w.u32(0x00000073)              // ecall
	w.u32(0x00008067)              // ret
}

// clockRISCV64 writes int clock_gettime(clockid_t a0, struct timespec *a1) by the
// C calling convention of the RISC-V ELF psABI.
func (w *writer) clockRISCV64() {
	w.u32(0x00100293) // li t0, CLOCK_MONOTONIC
	w.u32(0x04a2e863) // bltu t0, a0, other
	w.u32(0xc0102373) // rdtime t1
	low := w.dataPage()
	w.u32(0x0003be03 | (low+scaleAt)<<20) // ld t3, scale(t2)
	w.u32(0x03c30eb3)                     // mul t4, t1, t3
	w.u32(0x03c33333)                     // mulhu t1, t1, t3
	w.u32(0x020ede93)                     // srli t4, t4, 32
	w.u32(0x02031313)                     // slli t1, t1, 32
	w.u32(0x01d36333)                     // or t1, t1, t4
	w.u32(0x00051663)                     // bnez a0, monotonic
	w.u32(0x0003be03 | (low+wallAt)<<20)  // ld t3, wall(t2)
	w.u32(0x01c30333)                     // add t1, t1, t3
	w.u32(0x3b9ad3b7)                     // monotonic: lui t2, 0x3b9ad
	w.u32(0xa003839b)                     // addiw t2, t2, -1536: 1000000000
	w.u32(0x02735e33)                     // divu t3, t1, t2
	w.u32(0x02737333)                     // remu t1, t1, t2
	w.u32(0x01c5b023)                     // sd t3, 0(a1)
	w.u32(0x0065b423)                     // sd t1, 8(a1)
	w.u32(0x00000513)                     // li a0, 0
	w.u32(0x00008067)                     // ret
	w.call(113)                           // other: clock_gettime
}

// dataPage writes auipc t2 and returns the low 12 bits of the distance from there
// to the data page's start, which instructions that use t2 add.
func (w *writer) dataPage() (low uint32) {
	distance := uint32(-PageSize - w.at)
	w.u32(0x00000397 | (distance+0x800)&^0xfff)
	return distance & 0xfff
}
