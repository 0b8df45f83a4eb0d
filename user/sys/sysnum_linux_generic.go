// SPDX-License-Identifier: Apache-2.0

//go:build linux && (arm64 || riscv64)

package sys

// sysGetrandom is getrandom's number in the table the newer architectures share.
const sysGetrandom = 278
