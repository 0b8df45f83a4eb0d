// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// TestTypedCalls runs the program that tries package user/ipc, and wants that nothing
// is left of it.
func TestTypedCalls(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, args := range vmtest.Machines([][]string{
		on(quick(), "-m", "256M"),
		on(full(), "-m", "256M", "--cpus", "2"),
	}...) {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, append(args, "-v", vmtest.Program(t, "ipccalls"))...)
			r.Cases(t)
			wantNothingLeft(t, r)
		})
	}
}

// TestEchoServer runs the example of a server.
func TestEchoServer(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, vmtest.Program(t, "ipcecho"))
	r.WantStdout(t, 0, "HELLO 0\nHELLO AGAIN 1\nnothing was said\nthe client: 0 <nil>\n")
}
