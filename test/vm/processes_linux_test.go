// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"os/exec"
	"runtime"
	"testing"

	"loam/test/vm/vmtest"
)

// processFamilies are the parts of test/programs/processes.
var processFamilies = []string{"exec", "fork", "stop", "groups", "pidfd", "threads", "ignored", "pipes", "many"}

// TestProcesses makes processes under the personality server: what comes of it is what comes of it on the host.
func TestProcesses(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, family := range processFamilies {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			onHost := exec.Command(vmtest.Foreign(t, runtime.GOOS, runtime.GOARCH, "processes"), family)
			var stdout, stderr bytes.Buffer
			onHost.Stdout, onHost.Stderr = &stdout, &stderr
			if err := onHost.Run(); err != nil {
				t.Fatalf("on the host: %v\n%s%s", err, &stdout, &stderr)
			}
			for _, cpus := range []string{"1", "4"} {
				r := vmtest.Run(t, "--dir", t.TempDir()+"::/host", "-m", "256M", "--cpus", cpus, "-v", vmtest.Program(t, "processes"), family)
				r.WantStdout(t, 0, stdout.String())
				wantNothingLeft(t, r)
			}
		})
	}
}

// TestJobs does what a shell does with a terminal: jobs in the foreground and in the background.
func TestJobs(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	defer vmtest.Slot()()
	p := atTerminal(t, `"$@"; echo "code $?"`, []string{"run", "--arch", vmtest.Arch(), vmtest.Program(t, "processes"), "jobs"})
	p.typed(t, "", "mine true <nil>")
	p.typed(t, "first\n", "a job reads first <nil>")
	p.typed(t, "", "taken back <nil>")
	p.typed(t, "", "stopped by stopped (tty input)")
	p.typed(t, "", "given <nil> <nil>")
	p.typed(t, "second\n", "a job reads second <nil>")
	p.typed(t, "", "interrupt it")
	p.typed(t, "\x03", "killed by interrupt")
	p.typed(t, "", "taken back <nil>")
	p.typed(t, "", "code 0")
}
