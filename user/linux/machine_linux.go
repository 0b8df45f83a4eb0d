// SPDX-License-Identifier: Apache-2.0

package linux

import "syscall"

// Memory is for Machine.
func (machineInfo) Memory() (total, free uint64) {
	var i syscall.Sysinfo_t
	if syscall.Sysinfo(&i) != nil {
		return 0, 0
	}
	return i.Totalram * uint64(i.Unit), i.Freeram * uint64(i.Unit)
}
