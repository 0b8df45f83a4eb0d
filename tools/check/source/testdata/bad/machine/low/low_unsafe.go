// SPDX-License-Identifier: Apache-2.0

// Package low is fine.
package low

import _ "unsafe"

//go:linkname x runtime.x
func x()
