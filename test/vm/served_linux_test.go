// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// TestServedRefused: what can't be is said before a machine is started, or by QEMU, and how to go on.
func TestServedRefused(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	hello := vmtest.Program(t, "hello")
	for want, manifest := range map[string]string{
		"linux has the name of the service, which loam makes for the program (--bare does without)": "service linux\n  system disk\n",
		"streams has the name of the service, which loam makes for the program":                     "service streams\n  system disk\n",
	} {
		served(t, nil, "--services", services(t, manifest), hello).WantReason(t, 125, want)
		vmtest.Run(t, "--services", services(t, manifest+"  start lazy\n  provides x\n"), hello).WantStdout(t, 0, "hello, world\n")
	}
	qemu := filepath.Join(t.TempDir(), "qemu")
	script := "#!/bin/sh\ncase \"$*\" in *virtio-serial*) echo \"'virtio-serial' is not a valid device model name\" >&2; exit 1 ;; esac\nexec " +
		vmtest.FindQEMU(t) + ` "$@"` + "\n"
	if err := os.WriteFile(qemu, []byte(script), 0o777); err != nil {
		t.Fatal(err)
	}
	c := vmtest.Command{Served: true, Env: vmtest.QEMU(qemu), Args: []string{"run", hello}}
	if r := c.Do(t); r.Code != 125 || !strings.HasSuffix(string(r.Stderr), "\n--bare makes a machine without devices, if they are only for the program's streams\n") {
		t.Error(r)
	}
	c.Args = []string{"run", "--bare", hello}
	c.Do(t).WantStdout(t, 0, "hello, world\n")
}
