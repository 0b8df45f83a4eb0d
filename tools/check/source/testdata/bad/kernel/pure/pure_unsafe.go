// SPDX-License-Identifier: Apache-2.0

// Package pure is not.
package pure

import _ "unsafe"

//go:linkname y runtime.y
func y()
