// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"path/filepath"
	"strings"
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

// TestDeathMatrix kills each party at each stage of a call, and compares what both sides have
// of it with docs/ipc-death-matrix.md.
func TestDeathMatrix(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	root, err := vmtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/ipc-death-matrix.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "|---|---|---|---|---|\n")
	if !found {
		t.Fatal("no table in docs/ipc-death-matrix.md")
	}
	for _, cpus := range vmtest.CPUs("1", "2") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, "--cpus", cpus, "-m", "256M", "-v", vmtest.Program(t, "message"), "matrix")
			r.Want(t, 0)
			wantNothingLeft(t, r)
			got, want := strings.Split(string(r.Stdout), "\n"), strings.Split(table, "\n")
			if len(got) != len(want) {
				t.Errorf("%d rows, the page has %d", len(got), len(want))
			}
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Errorf("seen: %s\nthe page: %s", got[i], want[i])
				}
			}
		})
	}
}
