// SPDX-License-Identifier: Apache-2.0

package hwprobe

import "loam/abi"

// FlushICache checks the flags of riscv_flush_icache(2). local: only the calling
// thread will execute what was written. The addresses, the call's other arguments,
// mean nothing in Linux either. EINVAL: unknown flags.
func FlushICache(flags uint64) (local bool, errno abi.Errno) {
	if flags&^abi.SYS_RISCV_FLUSH_ICACHE_LOCAL != 0 {
		return false, abi.EINVAL
	}
	return flags != 0, 0
}
