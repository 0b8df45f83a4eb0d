// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

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

// TestMessageStress has clients and servers call each other while they are stopped, ended and
// killed; nobody may be left waiting, or get what isn't his. LOAM_IPC_SECONDS makes it
// longer, and with it the seed is the time.
func TestMessageStress(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	seconds, seed := number(t, "LOAM_IPC_SECONDS", 0), int64(1)
	if seconds > 0 {
		seed = time.Now().UnixNano() % 1e6
	}
	for _, cpus := range vmtest.CPUs("2", "4") {
		t.Run(cpus, func(t *testing.T) {
			t.Parallel()
			teams, _ := strconv.Atoi(cpus)
			r := vmtest.Command{
				Args: []string{"run", "--cpus", cpus, "-m", "256M", "-v", vmtest.Program(t, "message"),
					"stress", fmt.Sprint(max(5, seconds)), fmt.Sprint(seed), fmt.Sprint(teams + 2)},
				Limit: vmtest.Limit + time.Duration(seconds)*time.Second,
			}.Do(t)
			r.Want(t, 0)
			wantNothingLeft(t, r)
			t.Logf("%s", r.Stdout)
		})
	}
}
