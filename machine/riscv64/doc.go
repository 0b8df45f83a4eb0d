// SPDX-License-Identifier: Apache-2.0

// Package riscv64 encodes what a RISC-V processor reads in memory and control
// registers: page-table entries of Sv39, the supervisor's control registers, causes
// of traps, the instructions that Go's assembler can't name, and the layout of the
// kernel's half of an address space; and it reads ISA strings. It computes and never
// executes, so it has no build constraint, and its tests run on any host.
//
// Control registers have no numbers here: Go's assembler knows their names.
//
// Source, and what sections without a volume refer to: The RISC-V Instruction Set
// Manual, Volume II: Privileged Architecture, version 20211203; volume I is the
// Unprivileged ISA, version 20191213.
package riscv64
