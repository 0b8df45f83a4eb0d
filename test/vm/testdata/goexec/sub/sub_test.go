// SPDX-License-Identifier: Apache-2.0

package sub

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// TestGrants: the package's folder and GOROOT can be read, files written for a while, and that is all.
func TestGrants(t *testing.T) {
	if Twice(2) != 4 {
		t.Error("four")
	}
	if _, err := os.ReadFile("sub_test.go"); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile("written", nil, 0o644); !errors.Is(err, syscall.EROFS) {
		t.Errorf("the package's folder was written to: %v", err)
	}
	if _, err := os.Stat(filepath.Join(runtime.GOROOT(), "src", "errors", "errors.go")); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"../go.mod", filepath.Join(runtime.GOROOT(), "bin", "go"), "/etc/shadow"} {
		if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.EBADF) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := os.WriteFile(filepath.Join(t.TempDir(), "file"), nil, 0o644); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(os.DevNull, []byte("gone"), 0o644); err != nil {
		t.Error(err)
	}
	if v := os.Getenv("LOAM_SECRET"); v != "" {
		t.Error("a variable of the host's")
	}
	if v := os.Getenv("GRANTED"); v != "yes" {
		t.Errorf("GRANTED is %q", v)
	}
}
