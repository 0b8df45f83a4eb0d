// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"loam/test/vm/vmtest"
)

// TestMusl runs a C program that is linked with musl: it prints what it prints on the host. It needs a compiler for this
// machine's instructions.
func TestMusl(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	compiler, err := exec.LookPath("musl-gcc")
	if err != nil || vmtest.Arch() != runtime.GOARCH {
		t.Skip("there is no musl-gcc for this")
	}
	program := filepath.Join(t.TempDir(), "musl")
	if out, err := exec.Command(compiler, "-static", "-O1", "-o", program, "testdata/musl.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, cpus := range vmtest.CPUs("1", "4") {
		r := vmtest.Run(t, "--dir", t.TempDir()+"::/host", "-m", "256M", "--cpus", cpus, "-v", program)
		r.WantStdout(t, 0, string(want))
		wantNothingLeft(t, r)
	}
}
