//go:build loamcheck

// SPDX-License-Identifier: Apache-2.0

package heap

// junk is what every word of a free object holds in checked builds: no address, no
// small number, and odd.
const junk = 0xdbdbdbdbdbdbdbdb

// soil fills n bytes of a free object at pa.
func (h *Heap) soil(pa, n uint64) {
	for _, w := range [1][]uint64{words(h.mem.Virtual(pa), n/8)} {
		for i := range w {
			w[i] = junk
		}
	}
}

// clean reports whether nobody wrote to an object since it was soiled, and where
// else.
func (h *Heap) clean(pa, n uint64) (uint64, bool) {
	for i, v := range words(h.mem.Virtual(pa), n/8) {
		if v != junk {
			return pa + uint64(i)*8, false
		}
	}
	return 0, true
}
