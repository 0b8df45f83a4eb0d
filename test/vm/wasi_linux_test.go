// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"path/filepath"
	"testing"

	"loam/test/vm/vmtest"
)

// TestModulePaths gives a module a folder as its "/": it can do there what WASI has, and nothing beside it, where links
// in the folder lead.
func TestModulePaths(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	all := t.TempDir()
	dir := filepath.Join(all, "granted")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(all, "secret"), []byte("secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"up": "..", "absolute": filepath.Join(all, "secret"), "sub/up2": "../.."} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	vmtest.Run(t, "-m", "256M", "--arch", vmtest.Arch(), "--dir", dir+"::/", vmtest.Foreign(t, "wasip1", "wasm", "modulepaths")).Cases(t)
	if b, err := os.ReadFile(filepath.Join(all, "secret")); err != nil || string(b) != "secret\n" {
		t.Errorf("beside the folder: %q, %v", b, err)
	}
	// What isn't a module has a root already.
	r := vmtest.Run(t, "--dir", dir+"::/", vmtest.Program(t, "hello"))
	r.Want(t, 125)
}
