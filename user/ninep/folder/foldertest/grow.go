// SPDX-License-Identifier: Apache-2.0

//go:build linux

package foldertest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/folder"
)

// Grow: a tree that is made here is there on the host, is the same when it is looked at
// from here, and goes when it is removed.
func Grow(t *testing.T, mount Mount, files int) {
	dir, model := t.TempDir(), t.TempDir()
	d := mount(t, dir, false)
	for i := range files {
		where, name := fmt.Sprintf("d%d/e%d", i%7, i%11), fmt.Sprintf("f%d", i)
		for _, up := range []string{filepath.Dir(where), where} {
			if err := d.Mkdir(ctx, up, 0o755); err != nil && !errors.Is(err, abi.EEXIST) {
				t.Fatal(err)
			}
		}
		f, err := d.OpenFile(ctx, where+"/"+name, abi.O_WRONLY|abi.O_CREAT|abi.O_EXCL, 0o644)
		must(t, err)
		_, err = f.WriteAt(ctx, []byte(name), 0)
		must(t, err)
		must(t, f.Close())
		write(t, filepath.Join(model, where, name), name)
	}
	if got, want := Tree(t, dir), Tree(t, model); got != want {
		t.Fatalf("on the host there is\n%s\nnot\n%s", got, want)
	}
	if n := count(t, d, "."); n != files {
		t.Errorf("%d files are listed, not %d", n, files)
	}
	empty(t, d, ".")
	if left, err := os.ReadDir(dir); len(left) != 0 || err != nil {
		t.Error("left over:", left, err)
	}
}

// count gives how many files are in a directory and below, and looks whether each has its name in it.
func count(t *testing.T, d *folder.Dir, path string) (n int) {
	entries, err := d.ReadDir(ctx, path)
	must(t, err)
	for _, e := range entries {
		at := path + "/" + e.Name
		if e.Type == ninep.EntryDir {
			n += count(t, d, at)
			continue
		}
		n++
		if got, err := read(d, at); got != e.Name || err != nil {
			t.Errorf("%s: %q %v", at, got, err)
		}
	}
	return n
}

// empty removes what is in a directory.
func empty(t *testing.T, d *folder.Dir, path string) {
	entries, err := d.ReadDir(ctx, path)
	must(t, err)
	for _, e := range entries {
		at := path + "/" + e.Name
		if e.Type == ninep.EntryDir {
			empty(t, d, at)
		}
		must(t, d.Remove(ctx, at))
	}
}

// Vanish: when the host removes the folder, what is asked of it fails, and what is open
// can be closed.
func Vanish(t *testing.T, mount Mount) {
	dir := filepath.Join(t.TempDir(), "folder")
	write(t, filepath.Join(dir, "sub/f"), "here")
	d := mount(t, dir, false)
	f, err := d.Open(ctx, "sub/f")
	must(t, err)
	must(t, os.RemoveAll(dir))
	_, stat := d.Stat(ctx, "sub/f")
	_, create := d.Create(ctx, "new")
	for i, err := range []error{stat, create, d.Mkdir(ctx, "sub", 0o755),
		d.Rename(ctx, "sub", "a"), d.Unlink(ctx, "sub/f"), d.Symlink(ctx, "x", "y")} {
		if !errors.Is(err, abi.ENOENT) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	// The folder itself may still be there, to who has it open, with nothing in it.
	if all, err := d.ReadDir(ctx, "."); len(all) != 0 || err != nil && !errors.Is(err, abi.ENOENT) {
		t.Error("list:", all, err)
	}
	must(t, f.Close())
}
