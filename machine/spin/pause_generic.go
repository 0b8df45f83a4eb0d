//go:build !amd64 && !riscv64

// SPDX-License-Identifier: Apache-2.0

package spin

// Pause tells the processor that it is in a waiting loop, where it has a way to.
func Pause() {}
