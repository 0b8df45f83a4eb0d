// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"

	"golang.org/x/sys/unix"
)

// MemFile returns an empty file that has no name and lives in memory.
func MemFile(name string) (*os.File, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return tempFile(name)
	}
	return os.NewFile(uintptr(fd), name), nil
}
