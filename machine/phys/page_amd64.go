// SPDX-License-Identifier: Apache-2.0

package phys

// avx is set once the processor may run 256-bit instructions.
var avx bool

// EnableAVX lets Zero and Copy use 256-bit stores. Call it after CPUID said
// AVX and CR4.OSXSAVE and XCR0 enable the YMM state, on every processor.
func EnableAVX() { avx = true }

func zeroPage(p *[PageSize]byte) {
	if avx {
		zeroAVX(p)
		return
	}
	zeroSSE(p)
}

func copyPage(dst, src *[PageSize]byte) {
	if avx {
		copyAVX(dst, src)
		return
	}
	copySSE(dst, src)
}

// zeroSSE clears the page with 256 16-byte stores, about 285 instructions.
//
//go:noescape
func zeroSSE(p *[PageSize]byte)

// zeroAVX clears the page with 128 32-byte stores, about 150 instructions.
// Y0 is kept, upper half included, and no VZEROUPPER is run: a page fault in
// the middle of a 256-bit copy finds its registers as they were.
//
//go:noescape
func zeroAVX(p *[PageSize]byte)

// copySSE copies a page in 16-byte pieces; X0 to X3 are kept.
//
//go:noescape
func copySSE(dst, src *[PageSize]byte)

// copyAVX copies a page in 32-byte pieces; Y0 to Y3 are kept.
//
//go:noescape
func copyAVX(dst, src *[PageSize]byte)

// orderStores has nothing to do: stores are seen in order (SDM vol. 3A, 8.2.2).
func orderStores() {}

// plain is set once plain moves are the fastest way to copy much.
var plain bool

// EnablePlain has Move copy by general registers. Call it if the processor is emulated by QEMU's TCG: that calls a
// function for each 256-bit load and store, and goes through its dispatch for each word of REP MOVSQ, but
// translates plain moves to the host's. They take half of the time there; hardware would be slower by them.
func EnablePlain() { plain = true }

// manyBytes is from where on Move does so. Below that few instructions are worth more than fast ones.
const manyBytes = 16 << 10

// Move is copy, for what may be large.
func Move(dst, src []byte) int {
	n := min(len(dst), len(src))
	if !plain || n < manyBytes || beginsWithin(dst, src[:n]) {
		return copy(dst, src)
	}
	whole := n &^ 63
	movePlain(dst[:whole], src)
	copy(dst[whole:n], src[whole:n])
	return n
}

// movePlain copies len(dst) bytes, a multiple of 64 and not 0, the first ones first.
//
//go:noescape
func movePlain(dst, src []byte)
