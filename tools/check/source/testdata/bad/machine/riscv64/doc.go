// SPDX-License-Identifier: Apache-2.0

// Package riscv64 is for mirrors.
package riscv64
