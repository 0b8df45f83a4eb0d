// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package runner

import "context"

// wasi says that modules run on Linux's system calls alone, as they are in Loam.
func (r *run) wasi(context.Context) error {
	return failure("no WASI functions for this operating system")
}
