//go:build !riscv64

// SPDX-License-Identifier: Apache-2.0

package mmode

// Elsewhere the stage's pure part is tested. Nothing of this can be called.
const notHere = "machine mode is RISC-V's"

func load8(uint64) byte         { panic(notHere) }
func load32(uint64) uint32      { panic(notHere) }
func load64(uint64) uint64      { panic(notHere) }
func store8(uint64, byte)       { panic(notHere) }
func store32(uint64, uint32)    { panic(notHere) }
func store64(uint64, uint64)    { panic(notHere) }
func raise(uint64)              { panic(notHere) }
func drop(uint64)               { panic(notHere) }
func enable(uint64)             { panic(notHere) }
func disable(uint64)            { panic(notHere) }
func pending() uint64           { panic(notHere) }
func setSupervisorTimer(uint64) { panic(notHere) }
func waitForInterrupt()         { panic(notHere) }
func fenceInstructions()        { panic(notHere) }
func fenceTranslations()        { panic(notHere) }
func readID() [3]uint64         { panic(notHere) }
func finish(uint32)             { panic(notHere) }
