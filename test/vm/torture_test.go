// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// TestTorture has processes torture the kernel's memory, see
// test/programs/torture, while the kernel's own collector runs all the time; in
// the end every frame is back. LOAM_TORTURE_SECONDS makes it longer, and with it
// the seed is the time.
func TestTorture(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	seconds := number(t, "LOAM_TORTURE_SECONDS", 0)
	run := func(cpus, memory string, seed int64, more ...string) {
		t.Run(cpus+"/"+memory, func(t *testing.T) {
			t.Parallel()
			torture(t, seconds, seed, []string{"--cpus", cpus, "-m", memory}, more)
		})
	}
	seed := int64(1)
	if seconds > 0 {
		seed = time.Now().UnixNano() % 1e6
	}
	for _, cpus := range vmtest.CPUs("1", "2", "4") {
		run(cpus, "256M", seed)
	}
	for _, cpus := range vmtest.CPUs("2") {
		run(cpus, "48M", seed, "-tight") // more is wanted than there is
	}
}

func torture(t *testing.T, seconds uint64, seed int64, flags, more []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stats")
	args := append([]string{"run", "--stats", file, "--param", "collect=1"}, flags...)
	args = append(args, vmtest.Program(t, "torture"), "-seconds", fmt.Sprint(max(1, float64(seconds))), "-least", "12", "-seed", fmt.Sprint(seed))
	r := vmtest.Command{
		Args:  append(args, more...),
		Limit: vmtest.Limit + time.Duration(seconds)*time.Second,
	}.Do(t)
	if r.Code != 0 || !strings.Contains(string(r.Stdout), "torture: done") {
		t.Fatalf("seed %d: the program did not get to its end, or not well\n%s", seed, r)
	}
	t.Logf("seed %d: %s", seed, r.Stdout)
	figures := stats(t, file)
	for _, name := range []string{"left", "frames_leaked"} {
		if f, ok := figures.Get(name); !ok || f.Value != 0 {
			t.Errorf("seed %d: %s: %v (known: %v)", seed, name, f.Value, ok)
		}
	}
}
