// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loam/test/vm/vmtest"
)

// runFolders runs the program that uses a folder of the host's, as a mode says.
func runFolders(t *testing.T, dir, mode string) *vmtest.Result {
	t.Helper()
	return runFoldersWith(t, nil, dir, mode)
}

// runFoldersWith does that with an environment and flags of loam's.
func runFoldersWith(t *testing.T, env []string, dir, mode string, flags ...string) *vmtest.Result {
	t.Helper()
	c := vmtest.Command{Env: env, Args: slices.Concat([]string{"run"}, flags, []string{"--dir", dir, vmtest.Program(t, "dirs"), mode})}
	if os.Getenv(filesVariable) != "" {
		c.Limit = time.Hour
	}
	return c.Do(t)
}

// filesVariable is how many files TestDirTree has, if there are to be others than a few.
const filesVariable = "LOAM_FILES"

// TestDirTree reads and writes a tree of files, and compares all of it.
func TestDirTree(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	files := 300
	if n, err := strconv.Atoi(os.Getenv(filesVariable)); err == nil {
		files = n
	}
	treeUnharmed(t, files, nil)
}

// treeUnharmed does that with an environment and flags of loam's.
func treeUnharmed(t *testing.T, files int, env []string, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	sum := sha256.New()
	want := makeTree(t, filepath.Join(dir, "tree"), files)
	for _, path := range sortedAsWalked(want) {
		fmt.Fprintf(sum, "%s %d\n", path, len(want[path]))
		sum.Write(want[path])
	}
	r := runFoldersWith(t, env, dir+"::/data", "tree", flags...)
	r.WantStdout(t, 0, fmt.Sprintf("%d files, %x\n", files, sum.Sum(nil)))
	got := 0
	err := filepath.WalkDir(filepath.Join(dir, "copy"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		below, _ := filepath.Rel(filepath.Join(dir, "copy"), path)
		b, err := os.ReadFile(path)
		slices.Reverse(b)
		if original, ok := want[below]; err != nil || !ok || !bytes.Equal(b, original) {
			t.Errorf("%s is not what was written: %v", below, err)
		}
		got++
		return nil
	})
	if err != nil || got != files {
		t.Errorf("%d files were written, %v", got, err)
	}
}

// makeTree makes files of all sizes, some in folders of folders.
func makeTree(t *testing.T, root string, files int) map[string][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	all := map[string][]byte{}
	for i := range files {
		name := filepath.Join(fmt.Sprintf("d%d", i/100), fmt.Sprintf("e%d", i%7), fmt.Sprintf("file %d ä", i))
		b := make([]byte, r.IntN(6000))
		if i%100 == 50 {
			b = make([]byte, 200_000+r.IntN(200_000))
		}
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		all[name] = b
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// sortedAsWalked gives paths in the order of filepath.WalkDir, name by name.
func sortedAsWalked(files map[string][]byte) []string {
	var all []string
	for path := range files {
		all = append(all, path)
	}
	slices.SortFunc(all, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
	return all
}

// TestDirLarge reads a large file, of which the host reads more than it is asked for while the program works, and copies it.
func TestDirLarge(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(8, 8))
	b := make([]byte, 10<<20+12345)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	if err := os.WriteFile(filepath.Join(dir, "large"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	runFolders(t, dir+"::/data", "large").WantStdout(t, 0, fmt.Sprintf("%d bytes, %x\n", len(b), sha256.Sum256(b)))
	if got, err := os.ReadFile(filepath.Join(dir, "copy")); err != nil || !bytes.Equal(got, b) {
		t.Errorf("the copy is another: %d bytes, %v", len(got), err)
	}
}

const secretText = "nobody may see this"

// secretHouse is a folder with ways out of it, beside files that are secret. It gives the
// folder and all of it.
func secretHouse(t *testing.T) (dir, all string) {
	t.Helper()
	all = t.TempDir()
	dir = filepath.Join(all, "in/folder")
	out := filepath.Join(all, "out")
	for path, text := range map[string]string{
		filepath.Join(out, "secret"): secretText, filepath.Join(all, "in/secret"): secretText, filepath.Join(all, "secret"): secretText,
		filepath.Join(dir, "sub/deep/f"): "fine", filepath.Join(dir, "race/d/secret"): "fine",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"absolute": out + "/secret", "absdir": out, "root": "/", "up": "..", "updir": "../../out", "upfile": "../secret",
		"sub/up": "../..", "sub/upfile": "../../secret", "chain1": "chain2", "chain2": "sub/chain3", "sub/chain3": "../absdir",
		"dots": "sub/../../secret", "self": "../folder/../secret", "sneaky": "sub/deep/../../../secret", "slash": out + "/",
		"proc": "/proc/self/root" + out, "dangling": "../new", "absnew": out + "/new",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, all
}

// TestDirEscape tries every way out of a folder.
func TestDirEscape(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir, all := secretHouse(t)
	before := snapshot(t, all, dir)
	runFolders(t, dir+"::/data", "escape").Cases(t)
	if after := snapshot(t, all, dir); after != before {
		t.Errorf("outside of the folder was\n%s\nand is now\n%s", before, after)
	}
}

// TestDirRace swaps a directory of the folder for a link that leads out, again and again,
// while a program goes through it.
func TestDirRace(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir, all := secretHouse(t)
	d, link := filepath.Join(dir, "race/d"), filepath.Join(dir, "race/l")
	if err := os.Symlink(filepath.Join(all, "out"), link); err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan bool), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			case <-time.After(time.Duration(rand.IntN(4000)) * time.Microsecond):
			}
			if err := unix.Renameat2(unix.AT_FDCWD, d, unix.AT_FDCWD, link, unix.RENAME_EXCHANGE); err != nil {
				<-stop
				stopped <- err
				return
			}
		}
	}()
	r := runFolders(t, dir+"::/data", "race")
	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	r.WantStdout(t, 0, "opened true\n")
}

// TestDirReadOnly has a program try everything that would change a folder which is read-only.
func TestDirReadOnly(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir := t.TempDir()
	for _, name := range []string{"file", "dir/inner"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("unchanged"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir, "")
	runFolders(t, dir+"::/data:ro", "readonly").Cases(t)
	if after := snapshot(t, dir, ""); after != before {
		t.Errorf("the folder was\n%s\nand is now\n%s", before, after)
	}
}

// TestDirWhere: where loam's relative paths begin, the program's do, if that is in a folder.
func TestDirWhere(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, "--dir", "..::/a/b", vmtest.Program(t, "dirs"), "where")
	r.WantStdout(t, 0, "/a/b/vm <nil>\n")
}

// snapshot tells all that there is below a folder, but for what is left out.
func snapshot(t *testing.T, root, without string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path == without {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		s := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%s %v %d %d:%d %d", path, info.Mode(), s.Nlink, s.Uid, s.Gid, info.Size())
		if path != filepath.Dir(without) {
			fmt.Fprintf(&b, " %v", info.ModTime())
		}
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			fmt.Fprintf(&b, " %q %v", content, err)
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			fmt.Fprintf(&b, " %s %v", target, err)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
