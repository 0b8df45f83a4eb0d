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
var processFamilies = []string{"exec", "fork", "stop", "groups", "pidfd", "threads", "ignored", "pipes", "many", "proc", "limits", "orphans", "signalfd", "masks", "pty", "share", "time"}

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
			for _, cpus := range vmtest.CPUs("1", "4") {
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

// manyLimits is a sandbox that may have a thousand processes.
const manyLimits = "service linux\n  system linux\n  provides linux\n  limit process 1150\n  limit space 1150\n  limit thread 2500\n  restart never\nprogram\n  under linux\n"

// TestCrowd has a thousand processes at once.
func TestCrowd(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, "-m", "1G", "-v", "--services", services(t, manyLimits), vmtest.Program(t, "processes"), "crowd", "1000")
	r.WantStdout(t, 0, "true <nil>\ntrue no child processes\ntrue <nil>\ntrue no child processes\n")
	wantNothingLeft(t, r)
}

// TestBomb: processes that make processes until there can be no more harm nobody else, and others can be made when
// they have been ended.
func TestBomb(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, cpus := range vmtest.CPUs("1", "4") {
		r := vmtest.Run(t, "-t=false", "-m", "256M", "--cpus", cpus, "-v", vmtest.Program(t, "processes"), "bomb")
		r.WantStdout(t, 0, "refused true\nover\nhello from a child []\n<nil>\n")
		wantNothingLeft(t, r)
	}
}

// TestOutlive: when the server ends, so do all processes of its sandbox, whatever they wait for.
func TestOutlive(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const little = "service linux\n  system linux\n  provides linux\n  limit pages 24M\n  restart never\nprogram\n  under linux\n"
	for _, cpus := range vmtest.CPUs("1", "4") {
		r := vmtest.Run(t, "-m", "256M", "--cpus", cpus, "-v", "--services", services(t, little), vmtest.Program(t, "processes"), "outlive")
		r.Want(t, 137)
		wantNothingLeft(t, r)
	}
}
