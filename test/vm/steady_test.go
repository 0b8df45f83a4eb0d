// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// TestSteady has the kernel do everything that it does all day thousands of times, see
// test/programs/steady, and wants it to take nothing from its Go heap meanwhile, from
// the program's first instruction to its end. Two CPUs do it less often: each wake-up of
// the other one waits for the host. LOAM_STEADY says how often instead: a million takes ten minutes and more.
func TestSteady(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for cpus, often := range map[string]uint64{"1": 5_000, "2": 250} {
		for _, cpus := range vmtest.CPUs(cpus) {
			t.Run(cpus, func(t *testing.T) {
				t.Parallel()
				steady(t, cpus, number(t, "LOAM_STEADY", often))
			})
		}
	}
}

func steady(t *testing.T, cpus string, often uint64) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stats")
	limit := max(10*time.Minute, time.Duration(often)*4*time.Millisecond)
	r := vmtest.Command{
		Args: []string{"run", "--timeout", limit.String(), "--cpus", cpus, "--param", "mallocs=1", "--stats", file,
			"-e", fmt.Sprint("COUNT=", often), vmtest.Program(t, "steady")},
		Limit: limit,
	}.Do(t)
	r.Cases(t)
	figures := stats(t, file)
	for _, name := range []string{"mallocs", "left", "frames_leaked"} {
		if f, ok := figures.Get(name); !ok || f.Value != 0 {
			t.Errorf("%s: %v (known: %v)", name, f.Value, ok)
		}
	}
}
