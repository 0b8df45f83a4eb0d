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
	return qemuScript(t, "", args)
}

// QEMUWithOn is QEMUWith for machines of one kind alone. Before it starts the first one, loam tries
// the accelerator with a machine of another kind, which may not have the devices' bus.
func QEMUWithOn(t testing.TB, kind string, args ...string) []string {
	t.Helper()
	return qemuScript(t, `case "$*" in *`+quote("-machine "+kind)+"*) ;; *) exec "+quote(FindQEMU(t))+` "$@" ;; esac`+"\n", args)
}

// qemuScript writes a script that stands for QEMU.
func qemuScript(t testing.TB, before string, args []string) []string {
	t.Helper()
	script := "#!/bin/sh\n" + before + "exec " + quote(FindQEMU(t)) + ` "$@"`
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
