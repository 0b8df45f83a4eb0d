// SPDX-License-Identifier: Apache-2.0

// Package riscv64 encodes what a RISC-V processor reads in memory and control
// registers: page-table entries of Sv39 and the satp register. It computes and
// never executes, so it has no build constraint, and its tests run on any host.
//
// Source: The RISC-V Instruction Set Manual, Volume II: Privileged
// Architecture, version 20211203.
package riscv64
