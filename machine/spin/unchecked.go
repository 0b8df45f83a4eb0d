//go:build !loamcheck

// SPDX-License-Identifier: Apache-2.0

package spin

// Checked says whether this build checks the order of locks.
const Checked = checked

const checked = false

func taking(uint8) {}
func giving(uint8) {}

// SetHeld does nothing in this build.
func SetHeld(func() *uint32, func(why ...string)) {}
