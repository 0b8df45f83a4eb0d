// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || riscv64

package sys

//go:noescape
func readRegister8(p *byte) uint8

//go:noescape
func readRegister16(p *byte) uint16

//go:noescape
func readRegister32(p *byte) uint32

//go:noescape
func writeRegister8(p *byte, v uint8)

//go:noescape
func writeRegister16(p *byte, v uint16)

//go:noescape
func writeRegister32(p *byte, v uint32)
