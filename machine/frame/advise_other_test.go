//go:build !linux

// SPDX-License-Identifier: Apache-2.0

package frame

// largePages does nothing: only Linux is asked.
func largePages([]byte) {}
