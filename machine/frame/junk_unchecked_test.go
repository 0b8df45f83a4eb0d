//go:build !loamcheck

// SPDX-License-Identifier: Apache-2.0

package frame

import "testing"

// numbersOnly says that frames are numbers, and not memory, in this test.
func numbersOnly(testing.TB) {}
