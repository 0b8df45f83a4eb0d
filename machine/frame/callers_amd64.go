// SPDX-License-Identifier: Apache-2.0

package frame

// callers stores the return addresses of the calls in progress, the innermost
// first but for two (its own and its caller's), and leaves what is beyond the
// chain of frame pointers as it is. It follows the chain upwards only, so it ends
// on any stack whose first frame pointer is 0.
//
//go:noescape
func callers(pcs *[Callers]uint64)
