// SPDX-License-Identifier: Apache-2.0

//go:build linux

package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/ninep/folder/foldertest"
	"loam/user/ninep/ninetest"
)

// served mounts a folder by a server in this process, and looks at the end of the test whether
// the client kept to the protocol and left nothing behind.
func served(t testing.TB, s *ninetest.Server, readOnly bool) *folder.Dir {
	t.Helper()
	c, err := ninep.Dial(t.Context(), &ninetest.Local{Server: s}, ninep.Config{ReadOnly: readOnly})
	if err != nil {
		t.Fatal(err)
	}
	d, err := folder.Attach(t.Context(), c, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if wrong := s.Wrong(); wrong != nil {
			t.Errorf("the client did what it must not: %q", wrong)
		}
		if c.Fids() != 0 || s.Fids() != 0 {
			t.Errorf("%d files left over, the server has %d", c.Fids(), s.Fids())
		}
		s.Close()
	})
	return d
}

func honest(t testing.TB, dir string, readOnly bool) *folder.Dir {
	t.Helper()
	s, err := ninetest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return served(t, s, readOnly)
}

func careless(t testing.TB, dir string, readOnly bool) *folder.Dir {
	t.Helper()
	return served(t, ninetest.Careless(dir), readOnly)
}

// TestHonest: all is well with an honest server.
func TestHonest(t *testing.T) { foldertest.All(t, honest, 1500, 3000) }

// TestCareless: with a server that would serve the whole host, nothing but the folder
// is reached: this side sees to it by itself, as long as nobody moves things meanwhile.
func TestCareless(t *testing.T) {
	t.Run("Ways", func(t *testing.T) { foldertest.Ways(t, careless) })
	t.Run("Model", func(t *testing.T) { foldertest.Model(t, careless, 7, 1500) })
	t.Run("Escape", func(t *testing.T) { foldertest.Escape(t, careless, true) })
	t.Run("ReadOnly", func(t *testing.T) { foldertest.ReadOnly(t, careless) })
}

// TestCost: as many messages as the package says.
func TestCost(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	if err := os.MkdirAll(filepath.Join(dir, "a/b/c"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("b", filepath.Join(dir, "a/l")); err != nil {
		t.Fatal(err)
	}
	s, err := ninetest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := served(t, s, false)
	var f *folder.File
	open := func(path string, flags int) func() error {
		return func() (err error) { f, err = d.OpenFile(ctx, path, flags, 0o644); return err }
	}
	for _, c := range []struct {
		what string
		want int
		do   func() error
	}{
		{"a new file", 3, open("a/b/c/f", abi.O_RDWR|abi.O_CREAT)},
		{"write", 1, func() error { _, err := f.WriteAt(ctx, make([]byte, 60000), 0); return err }},
		{"close", 1, func() error { return f.Close() }},
		{"open", 3, open("a/b/c/f", abi.O_RDWR)},
		{"close", 1, func() error { return f.Close() }},
		{"create what is there", 5, open("a/b/c/f", abi.O_RDWR|abi.O_CREAT)},
		{"close", 1, func() error { return f.Close() }},
		{"stat", 3, func() error { _, err := d.Stat(ctx, "a/b/c/f"); return err }},
		{"stat through a link", 7, func() error { _, err := d.Stat(ctx, "a/l/c/f"); return err }},
		{"reach", 3, func() error { _, _, _, err := d.Reach(ctx, "a/b/c/f"); return err }},
		{"reach what isn't there", 5, func() error { _, _, _, err := d.Reach(ctx, "a/b/c/x"); return err }},
		{"mkdir", 3, func() error { return d.Mkdir(ctx, "a/b/c/d", 0o755) }},
		{"link", 5, func() error { return d.Link(ctx, "a/b/c/f", "a/b/c/g") }},
		{"rename", 5, func() error { return d.Rename(ctx, "a/b/c/g", "a/b/c/f2") }},
		{"unlink", 3, func() error { return d.Unlink(ctx, "a/b/c/f2") }},
		{"nothing there", 1, func() error { _, err := d.Stat(ctx, "x"); return err }},
		{"nothing further down", 4, func() error { _, err := d.Stat(ctx, "a/b/c/x"); return err }},
	} {
		before := requests(s)
		if err := c.do(); err != nil && !errors.Is(err, abi.ENOENT) {
			t.Fatalf("%s: %v", c.what, err)
		}
		d.Settle()
		if got := requests(s) - before; got != c.want {
			t.Errorf("%s: %d messages, not %d", c.what, got, c.want)
		}
	}
}

// TestTurns: a path can't keep a server busy for long, however it turns.
func TestTurns(t *testing.T) {
	dir := t.TempDir()
	deep := strings.Repeat("d/", 100)
	if err := os.MkdirAll(filepath.Join(dir, deep, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := ninetest.Careless(dir) // which is quick
	d := served(t, s, false)
	if _, err := d.Stat(t.Context(), deep+strings.Repeat("x/../", 700)); !errors.Is(err, abi.ELOOP) {
		t.Error(err)
	}
	if n := requests(s); n > 10000 {
		t.Errorf("%d messages", n)
	}
}

// requests gives how many have come.
func requests(s *ninetest.Server) (n int) {
	for kind := range 256 {
		n += s.Seen(ninep.Type(kind))
	}
	return n
}

// FuzzModel does the operations that a number stands for in a folder and on the host.
func FuzzModel(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { foldertest.Model(t, honest, seed, 200) })
}
