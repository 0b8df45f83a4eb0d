// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"

	"loam/test/vm/vmtest"
)

// TestMessages runs the program that tries the calls about endpoints.
func TestMessages(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, cpus := range vmtest.CPUs("1", "2") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, "--cpus", cpus, "-m", "256M", "-v", vmtest.Program(t, "message"))
			r.Cases(t)
			wantNothingLeft(t, r)
		})
	}
}
