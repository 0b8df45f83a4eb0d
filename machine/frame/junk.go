//go:build !loamcheck

// SPDX-License-Identifier: Apache-2.0

package frame

const (
	checked = false
	junk    = 0
)

func (a *Allocator) fill(pa, n uint64)           {}
func (a *Allocator) intact(*record, uint64) bool { return true }
func tell(Report)                                {}

// SetTell does nothing in this build.
func SetTell(func(Report)) {}
