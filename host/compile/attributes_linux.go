// SPDX-License-Identifier: Apache-2.0

package compile

import "syscall"

// attributes makes a child that does not outlive its parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
