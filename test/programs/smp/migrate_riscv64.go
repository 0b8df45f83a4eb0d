// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"fmt"

	"loam/test/programs/smp/low"
)

// others is what else belongs to a thread: the rounding mode and the flags of the
// floating-point unit, and, with the V extension, how long vectors are, of what, and
// how they round.
type others struct{ fcsr, vl, vtype, vcsr uint64 }

func newOthers(me uint64) others {
	// The rounding modes are 0 to 4, the flags the lowest five bits. A vector has 1 or 2
	// lanes of 8 << me%4 bits.
	return others{fcsr: me%5<<5 | me*7%32, vl: 1 + me%2, vtype: me % 4 << 3, vcsr: me % 8}
}

func (o others) free() {}

// hold holds them.
func (o others) hold(_ uint64, spins int64) error {
	if bad := holdOthers(spins, &o, low.HasVectors); bad != 0 {
		return fmt.Errorf("%#x changed (1 FCSR, 2 VL, 4 VTYPE, 8 VCSR)", bad)
	}
	return nil
}

// holdOthers has the control and status registers as o says, those of vectors only if
// there are any. Afterwards they are 0, and no vector has a lane.
func holdOthers(spins int64, o *others, vectors bool) uint64
