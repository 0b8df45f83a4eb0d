// SPDX-License-Identifier: Apache-2.0

package sys

// sysGetrandom is getrandom's number; package syscall is frozen without it.
const sysGetrandom = 318
