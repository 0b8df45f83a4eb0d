// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package compile

import "syscall"

// attributes is empty where a child can't be tied to its parent; the child
// ends when the pipe it writes to is gone.
func attributes() *syscall.SysProcAttr { return nil }
