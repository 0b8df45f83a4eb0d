// SPDX-License-Identifier: Apache-2.0

//go:build linux

package foldertest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/folder"
)

// special: what is no file is not opened.
func special(t *testing.T, d *folder.Dir, dir string) {
	ctx := t.Context()
	must(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o644))
	for _, flags := range []int{abi.O_RDONLY, abi.O_RDWR, abi.O_WRONLY, abi.O_RDONLY | abi.O_CREAT} {
		if _, err := d.OpenFile(ctx, "fifo", flags, 0o644); !errors.Is(err, abi.ENXIO) {
			t.Error("a pipe opens:", err)
		}
	}
	a, err := d.Stat(ctx, "fifo")
	if a.Mode&ninep.ModeType != syscall.S_IFIFO || err != nil {
		t.Error("what a pipe is:", a.Mode, err)
	}
}

// secret is what no test may get at.
const secret = "nobody may see this"

// house makes a folder with ways out of it, beside a file that is a secret. It gives the folder
// and where all of it lies.
func house(t *testing.T) (dir, all string) {
	all = t.TempDir()
	dir = filepath.Join(all, "in/folder")
	write(t, filepath.Join(all, "out/secret"), secret)
	write(t, filepath.Join(all, "in/secret"), secret)
	write(t, filepath.Join(dir, "sub/deep/f"), "fine")
	out := filepath.Join(all, "out")
	for name, target := range map[string]string{
		"absolute": out + "/secret", "absdir": out, "root": "/", "up": "..", "updir": "../../out", "upfile": "../secret",
		"sub/up": "../..", "sub/upfile": "../../secret", "sub/deep/far": "../../../../out/secret", "chain1": "chain2",
		"chain2": "sub/chain3", "sub/chain3": "../absdir", "dots": "sub/../../secret", "self": "../folder/../secret",
		"sneaky": "sub/deep/../../../secret", "slash": out + "/", "proc": "/proc/self/root" + out, "dangling": "../new",
		"absnew": out + "/new", "sub/chainnew": "../absdir/new",
	} {
		must(t, os.Symlink(target, filepath.Join(dir, name)))
	}
	return dir, all
}

// ways are paths that lead out of house's folder, to a file, a directory or something new.
func ways(all string) []string {
	out := filepath.Join(all, "out")
	ways := []string{"..", "../secret", "../../out/secret", "sub/../../secret", "sub/deep/../../../secret", "../folder/sub/deep/f",
		out, out + "/secret", "/", "//" + out + "/secret", "/etc/passwd", "./../secret", "sub/./../../secret", "../new", out + "/new",
		"up/", "../folder/../secret"}
	for _, link := range []string{"absdir", "updir", "chain1", "chain2", "sub/chain3", "slash", "proc", "absdir/.", "chain1/../out"} {
		ways = append(ways, link+"/secret", link+"/new", link+"/../in/secret", link+"/.", link+"/")
	}
	return append(ways, "root/etc/passwd", "root"+out+"/secret", "up/secret", "sub/up/secret", "sub/up/folder/../secret",
		"up/folder/sub/deep/f")
}

// links are links out of the folder, which are followed only when they aren't what is meant itself.
var links = []string{"absolute", "upfile", "sub/upfile", "sub/deep/far", "dots", "self", "sneaky", "dangling", "absnew", "sub/chainnew",
	"absdir", "updir", "chain1", "up", "root"}

// attempts does everything to a path that there is, and gives the errors.
func attempts(d *folder.Dir, path string) map[string]error {
	ctx := context.Background()
	errs := follows(d, path)
	errs["mkdir"] = d.Mkdir(ctx, path, 0o755)
	errs["unlink"] = d.Unlink(ctx, path)
	errs["rmdir"] = d.Rmdir(ctx, path)
	errs["remove"] = d.Remove(ctx, path)
	errs["symlink"] = d.Symlink(ctx, "x", path)
	errs["link from"] = d.Link(ctx, path, "stolen")
	errs["link to"] = d.Link(ctx, "sub/deep/f", path)
	errs["rename from"] = d.Rename(ctx, path, "stolen")
	errs["rename to"] = d.Rename(ctx, "sub/deep/f", path)
	_, errs["lstat"] = d.Lstat(ctx, path)
	_, errs["readlink"] = d.Readlink(ctx, path)
	errs["lsetattr"] = d.LsetAttr(ctx, path, &ninep.SetAttr{Valid: ninep.SetMtime})
	return errs
}

// follows does everything to a path that follows a link at its end.
func follows(d *folder.Dir, path string) map[string]error {
	ctx := context.Background()
	errs := map[string]error{}
	for name, flags := range map[string]int{"open": 0, "write": abi.O_WRONLY, "truncate": abi.O_RDWR | abi.O_TRUNC,
		"create": abi.O_RDWR | abi.O_CREAT, "directory": abi.O_DIRECTORY, "append": abi.O_WRONLY | abi.O_CREAT | abi.O_APPEND} {
		f, err := d.OpenFile(ctx, path, flags, 0o644)
		if err == nil {
			_ = f.Close()
		}
		errs[name] = err
	}
	_, errs["stat"] = d.Stat(ctx, path)
	_, errs["list"] = d.ReadDir(ctx, path)
	errs["setattr"] = d.SetAttr(ctx, path, &ninep.SetAttr{Valid: ninep.SetMode, Mode: 0o777})
	errs["size"] = d.Truncate(ctx, path, 0)
	_, errs["getxattr"] = d.GetXattr(ctx, path, "user.x")
	errs["setxattr"] = d.SetXattr(ctx, path, "user.x", []byte("x"), 0)
	sub, err := d.OpenDir(ctx, path)
	if err == nil {
		_ = sub.Close()
	}
	errs["opendir"] = err
	return errs
}

// Escape: no path leads out of the folder, in whatever way and for whatever is done. careless
// says that the server follows links: then who has a directory open is led on by it, when a
// link comes in its place, and that is left out.
func Escape(t *testing.T, mount Mount, careless bool) {
	dir, all := house(t)
	d := mount(t, dir, false)
	before := Tree(t, all)
	for _, way := range ways(all) {
		for what, err := range attempts(d, way) {
			dot := strings.HasSuffix(way, "/.") || way == ".." || way == "/" // refused for that already
			if !errors.Is(err, abi.EXDEV) && !(dot && err != nil) && !(strings.HasSuffix(way, "/") && err != nil) {
				t.Errorf("%s %s: %v", what, way, err)
			}
		}
	}
	for _, link := range links {
		for what, err := range follows(d, link) {
			if !errors.Is(err, abi.EXDEV) && !(link == "up" && errors.Is(err, abi.EISDIR)) { // "..": never a new file
				t.Errorf("%s %s: %v", what, link, err)
			}
		}
	}
	if after := Tree(t, all); after != before {
		t.Errorf("the host's files have changed:\n%s\nnot\n%s", after, before)
	}
	hardLinks(t, d)
	if !careless {
		moved(t, d, dir, all)
	}
}

// moved: a directory that the host moves out of the folder, and puts a link to it in its
// place, is out of reach, also for those who have it; a file that is open stays open.
func moved(t *testing.T, d *folder.Dir, dir, all string) {
	ctx := t.Context()
	held, err := d.OpenDir(ctx, "sub/deep")
	must(t, err)
	defer func() { must(t, held.Close()) }()
	f, err := held.Open(ctx, "f")
	must(t, err)
	defer func() { must(t, f.Close()) }()
	away := filepath.Join(all, "out/away")
	must(t, os.Rename(filepath.Join(dir, "sub/deep"), away))
	must(t, os.Symlink(away, filepath.Join(dir, "sub/deep")))
	write(t, filepath.Join(away, "secret"), secret)
	before := Tree(t, filepath.Join(all, "out"))
	for what, err := range attempts(d, "sub/deep/secret") {
		if !errors.Is(err, abi.EXDEV) {
			t.Errorf("%s by its path: %v", what, err)
		}
	}
	for what, err := range attempts(held, "secret") {
		if err == nil {
			t.Errorf("%s by a directory that is gone", what)
		}
	}
	if after := Tree(t, filepath.Join(all, "out")); after != before {
		t.Errorf("the host's files have changed:\n%s\nnot\n%s", after, before)
	}
	p := make([]byte, 10)
	if n, err := f.ReadAt(ctx, p, 0); string(p[:n]) != "fine" || err != nil {
		t.Errorf("the open file: %q %v", p[:n], err)
	}
}

// hardLinks: a new name for a link is one for the link, not for what it leads to.
func hardLinks(t *testing.T, d *folder.Dir) {
	ctx := t.Context()
	must(t, d.Link(ctx, "absolute", "same"))
	if target, err := d.Readlink(ctx, "same"); !strings.HasSuffix(target, "/out/secret") || err != nil {
		t.Error("a hard link to a link:", target, err)
	}
	if _, err := d.Open(ctx, "same"); !errors.Is(err, abi.EXDEV) {
		t.Error("a hard link to a link opens:", err)
	}
	if got, err := read(d, "sub/deep/f"); got != "fine" || err != nil {
		t.Error("what is inside:", got, err)
	}
}

// Race: while the host, or another guest, puts links in the place of directories, and moves
// what is open, nobody gets out either. The server must not follow links for this to hold.
func Race(t *testing.T, mount Mount) {
	dir, all := house(t)
	write(t, filepath.Join(dir, "d/secret"), "fine")
	must(t, os.Symlink(filepath.Join(all, "out"), filepath.Join(dir, "evil")))
	d := mount(t, dir, false)
	held, err := d.OpenDir(t.Context(), "d")
	must(t, err)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for name := func(s string) string { return filepath.Join(dir, s) }; ; {
			select {
			case <-stop:
				return
			default:
			}
			for _, step := range [][2]string{{"d", "e"}, {"evil", "d"}, {"d", "evil"}, {"e", "d"}} {
				_ = os.Rename(name(step[0]), name(step[1]))
			}
		}
	}()
	ok, failed := 0, 0
	begun := time.Now() // a busy host may need longer until something has happened
	for time.Since(begun) < time.Second || (ok == 0 || failed == 0) && time.Since(begun) < 20*time.Second {
		n, f := chances(t, d, held)
		ok, failed = ok+n, failed+f
	}
	close(stop)
	<-done
	must(t, held.Close())
	if got := Tree(t, filepath.Join(all, "out")); got != Tree(t, filepath.Dir(makeOut(t))) {
		t.Errorf("outside there is now\n%s", got)
	}
	t.Logf("%d attempts did something inside, %d failed", ok, failed)
	if ok == 0 || failed == 0 {
		t.Errorf("no race: %d did something, %d failed", ok, failed)
	}
}

// makeOut makes again what is outside.
func makeOut(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "out/secret")
	write(t, path, secret)
	return path
}

// chances tries what could get out, through a path and through a directory that is held.
func chances(t *testing.T, d, held *folder.Dir) (ok, failed int) {
	ctx := t.Context()
	count := func(err error) {
		if err == nil {
			ok++
		} else {
			failed++
		}
	}
	for _, try := range []struct {
		d *folder.Dir
		p string
	}{{d, "d/"}, {held, ""}, {d, "sub/../d/../d/"}} {
		got, err := read(try.d, try.p+"secret")
		count(err)
		if got != "" && got != "fine" {
			t.Fatalf("read %q", got)
		}
		f, err := try.d.OpenFile(ctx, try.p+"new", abi.O_RDWR|abi.O_CREAT, 0o644)
		count(err)
		if err == nil {
			_ = f.Close()
		}
		count(try.d.Unlink(ctx, try.p+"new"))
		count(try.d.Mkdir(ctx, try.p+"newdir", 0o755))
		count(try.d.Rmdir(ctx, try.p+"newdir"))
	}
	return ok, failed
}
