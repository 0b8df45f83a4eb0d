// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package sys

import "syscall"

// BootFile returns syscall.ENOSYS: only Loam's kernel has a boot archive.
func BootFile(name string) ([]byte, error) { return nil, syscall.ENOSYS }
