//go:build loam

// SPDX-License-Identifier: Apache-2.0

package frame

// pin does nothing: the kernel's Allocator is static.
func pin(*Allocator) {}
