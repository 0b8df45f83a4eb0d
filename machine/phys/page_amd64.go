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
