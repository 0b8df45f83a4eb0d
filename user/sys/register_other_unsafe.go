// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !riscv64

package sys

import "unsafe"

// Elsewhere there are tests only, whose registers are memory.

func readRegister8(p *byte) uint8       { return *p }
func readRegister16(p *byte) uint16     { return *(*uint16)(unsafe.Pointer(p)) }
func readRegister32(p *byte) uint32     { return *(*uint32)(unsafe.Pointer(p)) }
func writeRegister8(p *byte, v uint8)   { *p = v }
func writeRegister16(p *byte, v uint16) { *(*uint16)(unsafe.Pointer(p)) = v }
func writeRegister32(p *byte, v uint32) { *(*uint32)(unsafe.Pointer(p)) = v }
