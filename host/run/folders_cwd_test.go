// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWorkingFolder: where the program's paths begin.
func TestWorkingFolder(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "a/b/..c"), 0o777); err != nil {
		t.Fatal(err)
	}
	outer, inner, beside := Folder{Host: dir + "/a", Guest: "/x"}, Folder{Host: dir + "/a/b", Guest: "/y"}, Folder{Host: dir + "/ab", Guest: "/z"}
	for _, c := range []struct {
		at      string
		folders []Folder
		want    string
	}{
		{"a", []Folder{outer}, "/x"}, {"a/b", []Folder{outer}, "/x/b"}, {"a/b", []Folder{outer, inner}, "/y"},
		{"a/b", []Folder{inner, outer}, "/y"}, {"a/b/..c", []Folder{outer, inner}, "/y/..c"}, {"", []Folder{outer, inner}, "/"},
		{"a", []Folder{inner, beside}, "/"}, {"a", nil, "/"}, {"a/b", []Folder{{Host: "..", Guest: "/r"}}, "/r/b"},
	} {
		t.Chdir(filepath.Join(dir, c.at))
		if got := workingFolder(c.folders); got != c.want {
			t.Errorf("in %q: %s, want %s", c.at, got, c.want)
		}
	}
}
