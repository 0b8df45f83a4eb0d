// SPDX-License-Identifier: Apache-2.0

package runner

import "syscall"

// mapNoReserve asks Linux not to count reserved address space as memory.
const mapNoReserve = syscall.MAP_NORESERVE
