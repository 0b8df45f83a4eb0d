// SPDX-License-Identifier: Apache-2.0

package riscv64

// SiFive's test device ends the machine when one of these words is written to its
// base (QEMU, hw/misc/sifive_test.c).
const (
	FinishPass  = 0x5555 // with status 0
	FinishReset = 0x7777 // by starting again
	FinishFail  = 0x3333 // with the status in the upper half
)

// Finish returns the word that ends the machine with a status, of 16 bits.
func Finish(status uint16) uint32 {
	if status == 0 {
		return FinishPass
	}
	return uint32(status)<<16 | FinishFail
}

// Registers of Goldfish's clock, offsets of 32-bit words. The time is in ns since
// 1970, UTC; reading its low half keeps the high half that belongs to it (Linux,
// drivers/rtc/rtc-goldfish.c; QEMU, hw/rtc/goldfish_rtc.c).
const (
	GoldfishTimeLow  = 0x00 // to be read first
	GoldfishTimeHigh = 0x04

	goldfishBytes = 0x24
)

// GoldfishHas reports whether registers of size bytes have the clock's.
func GoldfishHas(size uint64) bool { return size >= goldfishBytes }
