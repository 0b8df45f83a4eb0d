// SPDX-License-Identifier: Apache-2.0

package frame

// Low reports whether no more is free than the reserve: what a program can
// cause the kernel to take for it should be refused then.
func (a *Allocator) Low() bool { return a.free <= a.reserve }
