// SPDX-License-Identifier: Apache-2.0

package phys

// zeroPage clears the page with 512 8-byte stores, 525 instructions.
// Vector registers would halve that, but they hold a program's state (docs/riscv64.md).
//
//go:noescape
func zeroPage(p *[PageSize]byte)

// copyPage copies a page in pieces of 64 bytes, 1,042 instructions.
//
//go:noescape
func copyPage(dst, src *[PageSize]byte)

// orderStores has stores before it seen before stores after it: FENCE W, W.
func orderStores()

// EnablePlain does nothing on this architecture: what Go copies by are plain moves.
func EnablePlain() {}

// Move is copy, for what may be large.
func Move(dst, src []byte) int { return copy(dst, src) }
