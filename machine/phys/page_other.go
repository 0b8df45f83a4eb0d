// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !riscv64

package phys

// EnableAVX does nothing on this architecture.
func EnableAVX() {}

func zeroPage(p *[PageSize]byte) { clear(p[:]) }

func copyPage(dst, src *[PageSize]byte) { copy(dst[:], src[:]) }

// orderStores has nothing to do: only tests run here, whose memory has no page tables.
func orderStores() {}

// EnablePlain does nothing on this architecture: what Go copies by are plain moves.
func EnablePlain() {}

// Move is copy, for what may be large.
func Move(dst, src []byte) int { return copy(dst, src) }
