// SPDX-License-Identifier: Apache-2.0

//go:build linux

package foldertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/folder"
)

// Mount gives a folder of the host's by way of a server, for as long as the test runs.
type Mount func(t testing.TB, dir string, readOnly bool) *folder.Dir

// All runs every test that an honest server passes, most of them at once; steps is how long
// each random walk is, files how many a large directory has.
func All(t *testing.T, mount Mount, steps, files int) {
	t.Run("Race", func(t *testing.T) { Race(t, mount) })
	together := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
	together("List", func(t *testing.T) { List(t, mount, files) })
	together("Escape", func(t *testing.T) { Escape(t, mount, false) })
	together("Grow", func(t *testing.T) { Grow(t, mount, 200) })
	together("Model", func(t *testing.T) {
		for seed := range uint64(3) {
			Model(t, mount, seed, steps)
		}
	})
	together("Content", func(t *testing.T) { Content(t, mount) })
	together("Ways", func(t *testing.T) { Ways(t, mount) })
	together("ReadOnly", func(t *testing.T) { ReadOnly(t, mount) })
	together("Vanish", func(t *testing.T) { Vanish(t, mount) })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write makes a file of the host's, and the directories that it is in.
func write(t testing.TB, path, data string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(data), 0o644))
}

// Tree gives what is in a folder of the host's, but times: a line for each file.
func Tree(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := e.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			content, err = os.Readlink(path)
		case e.Type().IsRegular():
			var p []byte
			p, err = os.ReadFile(path)
			content = string(p)
		}
		fmt.Fprintf(&b, "%s %v %q\n", name, info.Mode(), content)
		return err
	}))
	return b.String()
}

// read gives what is in a file of the folder.
func read(f *folder.Dir, path string) (string, error) {
	ctx := context.Background()
	file, err := f.Open(ctx, path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	var all []byte
	p := make([]byte, 10000)
	for {
		n, err := file.ReadAt(ctx, p, int64(len(all)))
		if err != nil || n == 0 {
			return string(all), err
		}
		all = append(all, p[:n]...)
	}
}

// Content: what is written arrives on the host, whatever its size, and what the host
// writes is seen at once.
func Content(t *testing.T, mount Mount) {
	dir, ctx := t.TempDir(), t.Context()
	d := mount(t, dir, false)
	data := make([]byte, 1<<20+12345)
	for i := range data {
		data[i] = byte(i * i >> 5)
	}
	f, err := d.Create(ctx, "f")
	must(t, err)
	n, err := f.WriteAt(ctx, data, 0)
	if n != len(data) || err != nil {
		t.Fatal("written", n, err)
	}
	must(t, f.Sync(ctx, false))
	got, err := os.ReadFile(filepath.Join(dir, "f"))
	if !bytes.Equal(got, data) || err != nil {
		t.Fatalf("the host has %d bytes, others: %v", len(got), err)
	}
	for i := range got {
		got[i] = 0
	}
	if n, err := f.ReadAt(ctx, got, 0); n != len(data) || err != nil || !bytes.Equal(got, data) {
		t.Fatal("read back", n, err)
	}
	if n, err := f.ReadAt(ctx, got, int64(len(data))); n != 0 || err != nil {
		t.Error("at the end:", n, err)
	}
	must(t, os.WriteFile(filepath.Join(dir, "f"), []byte("edited"), 0o644))
	if s, err := read(d, "f"); s != "edited" || err != nil {
		t.Errorf("after an edit: %q %v", s, err)
	}
	if a, err := f.Stat(ctx); a.Size != 6 || err != nil {
		t.Error("after an edit:", a.Size, err)
	}
	must(t, f.Truncate(ctx, 4))
	must(t, f.SetAttr(ctx, &ninep.SetAttr{Valid: ninep.SetMtime | ninep.SetMtimeSet, Mtime: ninep.Time{Sec: 1e9, Nsec: 5}}))
	info, err := os.Stat(filepath.Join(dir, "f"))
	must(t, err)
	if info.Size() != 4 || info.ModTime().Unix() != 1e9 {
		t.Error("size and time:", info.Size(), info.ModTime())
	}
	must(t, f.Close())
	if err := f.Close(); !errors.Is(err, abi.EBADF) {
		t.Error("closed twice:", err)
	}
	if _, err := f.ReadAt(ctx, got, 0); !errors.Is(err, abi.EBADF) {
		t.Error("read after close:", err)
	}
	appended(t, d, dir)
}

// appended: what is opened to append appends, also behind what the host has appended.
func appended(t *testing.T, d *folder.Dir, dir string) {
	ctx := t.Context()
	f, err := d.OpenFile(ctx, "log", abi.O_WRONLY|abi.O_CREAT|abi.O_APPEND, 0o600)
	must(t, err)
	defer func() { must(t, f.Close()) }()
	_, err = f.WriteAt(ctx, []byte("one "), 0)
	must(t, err)
	host, err := os.OpenFile(filepath.Join(dir, "log"), os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = host.WriteString("two ")
	must(t, err)
	must(t, host.Close())
	_, err = f.WriteAt(ctx, []byte("three"), 0)
	must(t, err)
	if got, _ := os.ReadFile(filepath.Join(dir, "log")); string(got) != "one two three" {
		t.Errorf("appended: %q", got)
	}
	if _, err := f.ReadAt(ctx, make([]byte, 1), 0); !errors.Is(err, abi.EBADF) {
		t.Error("read what is open for writing:", err)
	}
	if _, err := f.WriteAt(ctx, []byte("x"), -1); !errors.Is(err, abi.EINVAL) {
		t.Error("before the start:", err)
	}
}

// Ways: paths mean what they mean on Linux, as long as they stay inside.
func Ways(t *testing.T, mount Mount) {
	dir, ctx := t.TempDir(), t.Context()
	d := mount(t, dir, false)
	deep := strings.Repeat("d/", 40)
	write(t, filepath.Join(dir, deep, "f"), "deep")
	write(t, filepath.Join(dir, "a/f"), "a")
	for name, target := range map[string]string{"l": "a/f", "a/up": "../l", "a/dir": "../a/.", "dangling": "a/new",
		"loop": "loop", "slash": "a/", "fileslash": "a/f/", "deep": deep + "../../l", "chain": "a/dir/dir/dir/up"} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	deep40 := strings.Repeat("d/", 40)
	for path, want := range map[string]string{"a/f": "a", "./a//f": "a", "l": "a", "a/up": "a", "a/dir/dir/dir/up": "a",
		"chain": "a", "slash/f": "a", deep40 + "f": "deep", deep40 + strings.Repeat("../", 40) + "a/f": "a"} {
		if got, err := read(d, path); got != want || err != nil {
			t.Errorf("%.40q: %q %v", path, got, err)
		}
	}
	for path, want := range map[string]abi.Errno{"": abi.ENOENT, "x": abi.ENOENT, "a/x": abi.ENOENT, "a/x/y": abi.ENOENT,
		"a/f/x": abi.ENOTDIR, "a/f/": abi.ENOTDIR, "a/f/.": abi.ENOTDIR, "a/f/..": abi.ENOTDIR, "loop": abi.ELOOP,
		"loop/x": abi.ELOOP, "dangling": abi.ENOENT, "fileslash": abi.ENOTDIR, "a\x00": abi.EINVAL, "deep": abi.ENOENT,
		strings.Repeat("x/", 3000): abi.ENAMETOOLONG, strings.Repeat("x", 256): abi.ENAMETOOLONG, "a/" + strings.Repeat("x", 256): abi.ENAMETOOLONG} {
		if _, err := d.Stat(ctx, path); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, not %v", path, err, want)
		}
	}
	for i := range 42 {
		must(t, os.Symlink(fmt.Sprint("n", i-1), filepath.Join(dir, fmt.Sprint("n", i))))
	}
	must(t, os.Symlink("a/f", filepath.Join(dir, "n-1")))
	for path, want := range map[string]error{"n38": nil, "n39": abi.ELOOP} { // 40 links, and 41
		_, host := os.Stat(filepath.Join(dir, path))
		if _, err := d.Stat(ctx, path); !errors.Is(err, want) || (host == nil) != (err == nil) {
			t.Errorf("%s: %v, on the host %v", path, err, host)
		}
	}
	up := strings.Repeat("d/", 40) + strings.Repeat("../d/", 100) + "f"
	if got, err := read(d, up); got != "deep" || err != nil {
		t.Errorf("up and down: %q %v", got, err)
	}
	if _, err := d.Stat(ctx, strings.Repeat("sub/../", 500)); !errors.Is(err, abi.ENOENT) {
		t.Error("up from nowhere:", err)
	}
	f, err := d.OpenFile(ctx, "dangling", abi.O_WRONLY|abi.O_CREAT, 0o644)
	must(t, err)
	must(t, f.Close())
	if _, err := os.Stat(filepath.Join(dir, "a/new")); err != nil {
		t.Error("made through a link:", err)
	}
	sub, err := d.OpenDir(ctx, "a/dir/")
	must(t, err)
	if got, err := read(sub, "f"); got != "a" || err != nil {
		t.Error(got, err)
	}
	for _, path := range []string{"..", "../l", "up", "/f", "dir"} {
		if _, err := sub.Stat(ctx, path); !errors.Is(err, abi.EXDEV) {
			t.Errorf("%q from a directory: %v", path, err)
		}
	}
	must(t, sub.Close())
	special(t, d, dir)
}

// List: a directory with very many files is listed whole, and each can be read.
func List(t *testing.T, mount Mount, files int) {
	dir, ctx := t.TempDir(), t.Context()
	d := mount(t, dir, true)
	var want []string
	for i := range files {
		name := fmt.Sprintf("file %05d", i)
		want = append(want, name)
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o644))
	}
	for _, path := range []string{".", "./"} {
		entries, err := d.ReadDir(ctx, path)
		must(t, err)
		var got []string
		for _, e := range entries {
			got = append(got, e.Name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%d entries, not %d, or others", len(got), len(want))
		}
	}
	for i, name := range want {
		if i%97 != 0 {
			continue
		}
		if got, err := read(d, name); got != name || err != nil {
			t.Fatalf("%s: %q %v", name, got, err)
		}
	}
}
