// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"

	"loam/test/vm/vmtest"
)

// TestCrossings has calls without the kernel lock meet all that may happen to them meanwhile, on this CPU and
// on others.
func TestCrossings(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, cpus := range vmtest.CPUs("1", "2") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, "--cpus", cpus, "-m", "256M", "-v", vmtest.Program(t, "message"), "cross")
			r.Cases(t)
			wantNothingLeft(t, r)
		})
	}
}
