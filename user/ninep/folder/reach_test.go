// SPDX-License-Identifier: Apache-2.0

//go:build linux

package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/ninetest"
)

// TestReach: how far a walk of plain names comes, and what stops it.
func TestReach(t *testing.T) {
	dir := t.TempDir()
	deep := strings.Repeat("d/", 40)
	if err := os.MkdirAll(filepath.Join(dir, deep), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{"d/f": "123", deep + "f": "12345"} {
		if err := os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("d", filepath.Join(dir, "d/l")); err != nil {
		t.Fatal(err)
	}
	s, err := ninetest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := served(t, s, false)
	for _, c := range []struct {
		path    string
		walked  int
		kind    uint32
		stopped error
	}{
		{"d", 1, syscall.S_IFDIR, nil}, {"d/f", 2, syscall.S_IFREG, nil}, {"d/f/", 2, syscall.S_IFREG, nil},
		{"d/f/x", 2, syscall.S_IFREG, nil}, {"d/l", 2, syscall.S_IFLNK, nil}, {"d/l/f", 2, syscall.S_IFLNK, nil},
		{"x", 0, syscall.S_IFDIR, abi.ENOENT}, {"d/d/x/y", 2, syscall.S_IFDIR, abi.ENOENT}, {deep + "f", 41, syscall.S_IFREG, nil},
		{deep + "x", 40, syscall.S_IFDIR, abi.ENOENT}, {deep + "d/d", 40, syscall.S_IFDIR, abi.ENOENT},
		{"d/" + strings.Repeat("n", 300), 0, syscall.S_IFDIR, abi.ENAMETOOLONG},
	} {
		n, a, stopped, err := d.Reach(t.Context(), c.path)
		if n != c.walked || a.Mode&ninep.ModeType != c.kind || !errors.Is(stopped, c.stopped) || err != nil {
			t.Errorf("%.20s: %d names to a file of mode %o, then %v; %v", c.path, n, a.Mode, stopped, err)
		}
		if c.walked == 41 && a.Size != 5 {
			t.Errorf("it has %d bytes", a.Size)
		}
	}
	for _, path := range []string{"..", "d/../d", "d/./f", ".", "d/.."} {
		if _, _, _, err := d.Reach(t.Context(), path); !errors.Is(err, abi.EINVAL) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for path, want := range map[string]error{"/d": abi.EXDEV, "": abi.ENOENT, "d\x00": abi.EINVAL} {
		if _, _, _, err := d.Reach(t.Context(), path); !errors.Is(err, want) {
			t.Errorf("%q: %v", path, err)
		}
	}
}
