// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// QEMUWith is the environment in which loam starts the QEMU of Arch with more
// arguments: devices that loam doesn't give a machine. The test is skipped if there is no
// QEMU.
func QEMUWith(t testing.TB, args ...string) []string {
	t.Helper()
	script := "#!/bin/sh\nexec " + quote(FindQEMU(t)) + ` "$@"`
	for _, a := range args {
		script += " " + quote(a)
	}
	path := filepath.Join(t.TempDir(), "qemu")
	if err := os.WriteFile(path, []byte(script+"\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	return QEMU(path)
}

// FindQEMU is the path of the QEMU of Arch. The test is skipped if there is none.
func FindQEMU(t testing.TB) string {
	t.Helper()
	command := "qemu-system-x86_64"
	if Arch() == "riscv64" {
		command = "qemu-system-riscv64"
	}
	qemu, err := exec.LookPath(command)
	if err != nil {
		t.Skip(err)
	}
	return qemu
}

// quote makes a word of the shell's of a text.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
