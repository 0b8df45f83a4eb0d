// SPDX-License-Identifier: Apache-2.0

package frame

import "syscall"

// largePages asks for large pages behind mem, so that a benchmark doesn't measure the
// host's page tables.
func largePages(mem []byte) {
	const hugePages = 14 // MADV_HUGEPAGE
	_ = syscall.Madvise(mem, hugePages)
}
