// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package vm

import "os"

// MemFile returns an empty file that has no name.
func MemFile(name string) (*os.File, error) { return tempFile(name) }
