// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"regexp"
	"strings"
	"testing"

	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// TestKernelMistakes: a double free is refused and named in the log, with the frame,
// its state and the callers where they can be known, once.
func TestKernelMistakes(t *testing.T) {
	t.Parallel()
	status, log := bootKernel(t, quick(), "freetwice")
	_, freed, ok := strings.Cut(log, "freed twice: ")
	if status != hostvm.StatusEnded || !ok {
		t.Fatalf("status %d\n%s", status, log)
	}
	freed, _, _ = strings.Cut(freed, "\n")
	callers := `( 0xffffffff8[0-9a-f]{7}){3,8}`
	if vmtest.Arch() == hostvm.RISCV64 {
		callers = "" // Go's code has no frame pointers there
	}
	want := regexp.MustCompile(`frames: frame not taken at ` + regexp.QuoteMeta(freed) +
		`: cached, nobody's, 1 frames from 0x[0-9a-f]+, 0 references, by` + callers + `, mistake 2`)
	if n := len(want.FindAllString(log, -1)); n != 1 || strings.Count(log, "frames: ") != 1 {
		t.Errorf("it is there %d times\n%s", n, log)
	}
}
