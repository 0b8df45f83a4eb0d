// SPDX-License-Identifier: Apache-2.0

//go:build !linux || !riscv64

package sys

// EnterCode and PublishCode are for linux/riscv64 and panic elsewhere.
func EnterCode([]uint64) { panic("sys: EnterCode is for linux/riscv64") }

// PublishCode is for linux/riscv64.
func PublishCode([]byte) { panic("sys: PublishCode is for linux/riscv64") }

// Extensions is for linux/riscv64, and 0 elsewhere.
func Extensions() uint64 { return 0 }
