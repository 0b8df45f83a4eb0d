// SPDX-License-Identifier: Apache-2.0

package riscv64

// Registers of the PLIC, the interrupt controller for devices: offsets of 32-bit
// words from its base. A context is a hart in one mode; the devicetree says which
// (fdt.Hart). Source: RISC-V Platform-Level Interrupt Controller Specification
// 1.0.0, memory map and chapters 4 to 9.
const (
	PLICSources  = 1024 // 0 is none
	PLICContexts = 15872

	plicPending   = 0x1000
	plicEnable    = 0x2000
	plicContext   = 0x20_0000
	plicClaim     = 4
	enableEach    = 0x80   // bytes a context: a bit for each source
	contextEach   = 0x1000 // bytes a context: threshold, claim
	plicSourceEnd = plicPending + PLICSources/8
)

// PLICNever is the priority of a source that never interrupts. A context takes
// sources of a higher priority than its threshold: with the threshold PLICNever all
// but those.
const (
	PLICNever  = 0
	PLICLowest = 1
)

// PLICPriority returns the offset of a source's priority.
func PLICPriority(source uint32) uint64 { return 4 * uint64(source%PLICSources) }

// PLICPending returns the offset of the word that says whether a source waits, and
// the source's bit there.
func PLICPending(source uint32) (offset uint64, bit uint32) {
	source %= PLICSources
	return plicPending + uint64(source/32)*4, 1 << (source % 32)
}

// PLICEnable returns the offset of the word that says whether a context takes a
// source, and the source's bit there.
func PLICEnable(context, source uint32) (offset uint64, bit uint32) {
	context, source = context%PLICContexts, source%PLICSources
	return plicEnable + uint64(context)*enableEach + uint64(source/32)*4, 1 << (source % 32)
}

// PLICThreshold returns the offset of a context's threshold.
func PLICThreshold(context uint32) uint64 {
	return plicContext + uint64(context%PLICContexts)*contextEach
}

// PLICClaim returns the offset of the register that a context reads for the source
// that it is to serve (0: none), which is then taken, and to which it writes the
// source when it has been served.
func PLICClaim(context uint32) uint64 { return PLICThreshold(context) + plicClaim }

// PLICHas reports whether registers of size bytes have those of a context and of the
// sources up to the highest.
func PLICHas(size uint64, context, sources uint32) bool {
	return sources < PLICSources && context < PLICContexts && size >= PLICClaim(context)+4 && size >= plicSourceEnd
}
