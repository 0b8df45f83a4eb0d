// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"slices"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// TestPager runs the program that has memory from pagers, in which threads and calls
// meet absent pages, and wants that nothing is left of it.
func TestPager(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, args := range vmtest.Machines([][]string{
		on(quick(), "-m", "256M"),
		on(quick(), "-m", "256M", "--cpus", "2"),
		on(full(), "-m", "256M", "--cpus", "4"),
	}...) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, slices.Concat(args, []string{"-v", vmtest.Program(t, "pager")})...)
			r.Cases(t)
			wantNothingLeft(t, r)
		})
	}
}
