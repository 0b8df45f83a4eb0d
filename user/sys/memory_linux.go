// SPDX-License-Identifier: Apache-2.0

package sys

import "syscall"

// MachineMemory tells how many bytes of memory the machine has, and how many of them nobody uses.
func MachineMemory() (total, free uint64) {
	var i syscall.Sysinfo_t
	if syscall.Sysinfo(&i) != nil {
		return 0, 0
	}
	return i.Totalram * uint64(i.Unit), i.Freeram * uint64(i.Unit)
}
