// SPDX-License-Identifier: Apache-2.0

package sys

// Accesses to registers of devices: each is one instruction of that width, no more and
// no less often than the call. Go's atomic operations are no substitute: an XCHG or
// an AMOSWAP reads what it overwrites, an LR doesn't work on registers, and RISC-V
// orders memory against registers by FENCE alone. Whatever was written before, to
// memory or to registers, comes before a write; a read comes before what follows it.

// ReadRegister8 reads a register of 1 byte.
func ReadRegister8(b []byte, at int) uint8 { return readRegister8(&b[at]) }

// ReadRegister16 reads a register of 2 bytes.
func ReadRegister16(b []byte, at int) uint16 {
	_ = &b[at+1] // a check; no read
	return readRegister16(&b[at])
}

// ReadRegister32 reads a register of 4 bytes.
func ReadRegister32(b []byte, at int) uint32 {
	_ = &b[at+3] // a check; no read
	return readRegister32(&b[at])
}

// WriteRegister8 writes a register of 1 byte.
func WriteRegister8(b []byte, at int, v uint8) { writeRegister8(&b[at], v) }

// WriteRegister16 writes a register of 2 bytes.
func WriteRegister16(b []byte, at int, v uint16) {
	_ = &b[at+1] // a check; no read
	writeRegister16(&b[at], v)
}

// WriteRegister32 writes a register of 4 bytes.
func WriteRegister32(b []byte, at int, v uint32) {
	_ = &b[at+3] // a check; no read
	writeRegister32(&b[at], v)
}
