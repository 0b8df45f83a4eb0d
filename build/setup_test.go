// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"loam/host/setup"
)

// TestSetup runs the chosen commands, with a package manager of our own.
func TestSetup(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the fake package manager is apt-get")
	}
	both := setup.QEMU("amd64") + " " + setup.QEMU("riscv64")
	touch := "else for f in " + both + "; do : >\"${0%/*}/$f\"; chmod +x \"${0%/*}/$f\"; done; fi\n"
	for name, c := range map[string]struct{ apt, err string }{
		"installs":                {"if [ $1 = update ]; then exit 0; " + touch, ""},
		"list can't be refreshed": {"if [ $1 = update ]; then exit 100; " + touch, ""},
		"install fails":           {"[ $1 = update ]", "could not install QEMU"},
		"installs nothing":        {"exit 0", "there is no " + setup.QEMU("amd64") + " and no " + setup.QEMU("riscv64")},
		"installs half":           {strings.ReplaceAll("if [ $1 = update ]; then exit 0; "+touch, setup.QEMU("riscv64"), ""), "there is no " + setup.QEMU("riscv64")},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"apt-get": c.apt, "sudo": `exec "$@"`} {
			text = "#!/bin/sh\nPATH=/usr/bin:/bin:$PATH\n" + text + "\n"
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", dir)
		err := setupTarget(&builder{root: dir}, nil)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.err)
		}
		if c.err == "" {
			if err := setupTarget(&builder{root: dir}, nil); err != nil {
				t.Errorf("%s, second time: %v", name, err)
			}
		}
	}
}
