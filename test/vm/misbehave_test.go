// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// The assistant that misbehaves, on one machine of each kind.
func TestMisbehave(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range vmtest.Machines(kinds()...) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			vmtest.Run(t, on(kind, "-m", "128M", vmtest.Program(t, "misbehave"))...).Cases(t)
		})
	}
}

// Calls that nobody knows are counted, and -v shows it.
func TestUnknownCallsCounted(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, "-v", vmtest.Program(t, "misbehave"), "unknown calls")
	if !strings.Contains(string(r.Stderr), "unknown") {
		t.Errorf("-v does not count unknown calls: %s", r)
	}
	r.Want(t, 0)
}
