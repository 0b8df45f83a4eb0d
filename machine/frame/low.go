// SPDX-License-Identifier: Apache-2.0

package frame

// Low reports whether no more is free than the reserve: what a program can
// cause the kernel to take for it should be refused then.
func (a *Allocator) Low() bool { return a.free <= a.reserve }

// Scarce reports whether half of the reserve is gone. What a program needs
// tables for without memory of its own, which the reserve is closed to, stops
// there: the other half is the kernel's.
func (a *Allocator) Scarce() bool { return a.free < a.reserve/2 }
