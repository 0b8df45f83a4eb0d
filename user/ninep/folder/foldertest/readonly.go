// SPDX-License-Identifier: Apache-2.0

//go:build linux

package foldertest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"loam/abi"
	"loam/user/ninep"
)

// ReadOnly: a folder that is read-only stays as it is, whatever is tried, and can be read.
func ReadOnly(t *testing.T, mount Mount) {
	dir, ctx := t.TempDir(), t.Context()
	write(t, filepath.Join(dir, "sub/f"), "here")
	must(t, os.Symlink("sub/f", filepath.Join(dir, "link")))
	must(t, os.Mkdir(filepath.Join(dir, "empty"), 0o700))
	before := Tree(t, dir)
	d := mount(t, dir, true)
	reads := map[string]bool{"open": true, "stat": true, "lstat": true, "list": true, "directory": true, "opendir": true,
		"readlink": true, "getxattr": true}
	for _, path := range []string{"sub/f", "link", "empty", "sub", "new", "sub/new", ".", "empty/", "sub/f/"} {
		for what, err := range attempts(d, path) {
			create := what == "create" || what == "append" || what == "write" || what == "truncate"
			if !reads[what] && !errors.Is(err, abi.EROFS) && (!create || err == nil) {
				t.Errorf("%s %s: %v", what, path, err)
			}
		}
	}
	f, err := d.OpenFile(ctx, "sub/f", abi.O_RDONLY|abi.O_CREAT, 0o644)
	must(t, err)
	if err := f.SetAttr(ctx, &ninep.SetAttr{Valid: ninep.SetSize}); !errors.Is(err, abi.EROFS) {
		t.Error("the size of an open file:", err)
	}
	if _, err := f.WriteAt(ctx, []byte("x"), 0); !errors.Is(err, abi.EBADF) {
		t.Error("a write:", err)
	}
	must(t, f.Sync(ctx, false))
	must(t, f.Close())
	for path, want := range map[string]string{"sub/f": "here", "link": "here"} {
		if got, err := read(d, path); got != want || err != nil {
			t.Errorf("%s: %q %v", path, got, err)
		}
	}
	if after := Tree(t, dir); after != before {
		t.Errorf("it has changed:\n%s\nnot\n%s", after, before)
	}
}
