// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"os/exec"
	"runtime"
	"testing"

	"loam/test/vm/vmtest"
)

// callFamilies are the families of test/programs/calls.
var callFamilies = []string{"inet", "map", "signal", "socket", "wait"}

// TestCalls makes Linux's calls of the personality server, on files in memory and in a folder of the host's: what
// comes of them is what comes of them on the host.
func TestCalls(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, family := range callFamilies {
		t.Run(family, func(t *testing.T) {
			t.Parallel()
			onHost := exec.Command(vmtest.Foreign(t, runtime.GOOS, runtime.GOARCH, "calls"), family, t.TempDir())
			var stdout, stderr bytes.Buffer
			onHost.Stdout, onHost.Stderr = &stdout, &stderr
			if err := onHost.Run(); err != nil {
				t.Fatalf("on the host: %v\n%s", err, &stderr)
			}
			for _, guest := range []string{"/tmp", "/host"} {
				if guest == "/host" && !onFolders[family] {
					continue
				}
				r := vmtest.Command{Args: []string{"run", "--dir", t.TempDir() + "::/host", "-m", "256M", "-v", vmtest.Program(t, "calls"), family, guest}}.Do(t)
				r.WantStdout(t, 0, stdout.String())
				wantNothingLeft(t, r)
			}
		})
	}
}

// onFolders are the families that a host's folder has, too.
var onFolders = map[string]bool{"map": true, "wait": true}
