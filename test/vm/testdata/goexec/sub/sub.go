// SPDX-License-Identifier: Apache-2.0

// Package sub has a test that looks at what it is granted.
package sub

// Twice is covered by the test.
func Twice(n int) int { return 2 * n }
