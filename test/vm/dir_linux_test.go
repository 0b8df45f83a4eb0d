// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"path/filepath"
	"testing"

	"loam/test/vm/vmtest"
)

// TestDir gives a program, and a module, two folders of the host's by --dir, one of them to be read
// only.
func TestDir(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for name, program := range map[string]func(t *testing.T) string{
		"program": func(t *testing.T) string { return vmtest.Program(t, "folders") },
		"module":  func(t *testing.T) string { return vmtest.Foreign(t, "wasip1", "wasm", "folders") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := t.TempDir()
			work, read := filepath.Join(all, "work, ours"), filepath.Join(all, "read")
			for path, text := range map[string]string{
				filepath.Join(work, "there"): "there\n", filepath.Join(read, "in"): "from the host\n", filepath.Join(all, "secret"): "secret\n",
			} {
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink("../secret", filepath.Join(work, "link")); err != nil {
				t.Fatal(err)
			}
			r := vmtest.Run(t, "-m", "256M", "-v", "--arch", vmtest.Arch(), "--dir", work+"::/ours", "--dir", read+"::/only/read:ro", program(t))
			r.WantStdout(t, 0, "a true\nlink false\nthere false\n")
			wantNothingLeft(t, r)
			if b, err := os.ReadFile(filepath.Join(work, "a", "out")); err != nil || string(b) != "from the host\ncopied\n" {
				t.Errorf("%q, %v", b, err)
			}
			list, err := os.ReadDir(read)
			b, err2 := os.ReadFile(filepath.Join(read, "in"))
			if err != nil || err2 != nil || len(list) != 1 || string(b) != "from the host\n" {
				t.Errorf("the folder that is only read: %v, %q, %v, %v", list, b, err, err2)
			}
		})
	}
}
