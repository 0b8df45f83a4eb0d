// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package compile

import "errors"

// limit refuses: Supports says no on these systems.
func limit(*request) error { return errors.ErrUnsupported }
