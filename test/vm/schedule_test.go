// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"

	"loam/test/vm/vmtest"
)

// TestSchedule has priorities and quotas hold, by the count of instructions.
func TestSchedule(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	vmtest.Run(t, "--deterministic", vmtest.Program(t, "schedule")).Cases(t)
}
