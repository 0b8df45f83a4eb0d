// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// node is a file of the model: a directory, a link, or something else.
type node struct {
	ino     uint64
	entries map[string]*node
	target  string
}

// model resolves paths the slow way: a stack of directories, whose first is the granted folder.
type model struct{ links int }

const mostLinks = 40

// walk resolves a path from the end of a stack; the result is the stack of what was found.
func (k *model) walk(stack []*node, path string, follow bool) ([]*node, Errno) {
	if path[0] == '/' {
		return nil, errnoNotcapable
	}
	directory := strings.HasSuffix(path, "/")
	parts := slices.DeleteFunc(strings.Split(path, "/"), func(s string) bool { return s == "" })
	for i, name := range parts {
		here := stack[len(stack)-1]
		if here.entries == nil {
			return nil, errnoNotdir
		}
		child := here.entries[name]
		switch {
		case name == ".":
		case name == "..":
			if len(stack) == 1 {
				return nil, errnoNotcapable
			}
			stack = stack[:len(stack)-1]
		case child == nil:
			return nil, errnoNoent
		case child.target != "" && (follow || directory || i < len(parts)-1):
			if k.links++; k.links > mostLinks {
				return nil, 32
			}
			var e Errno
			if stack, e = k.walk(slices.Clone(stack), child.target, true); e != errnoSuccess {
				return nil, e
			}
		default:
			stack = append(slices.Clone(stack), child)
		}
	}
	if directory && stack[len(stack)-1].entries == nil {
		return nil, errnoNotdir
	}
	return stack, errnoSuccess
}

// readTree makes the model of a directory.
func readTree(t *testing.T, path string) *node {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatal(err)
	}
	n := &node{ino: st.Ino}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFLNK:
		n.target, _ = os.Readlink(path)
	case unix.S_IFDIR:
		n.entries = map[string]*node{}
		list, err := os.ReadDir(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			n.entries[e.Name()] = readTree(t, filepath.Join(path, e.Name()))
		}
	}
	return n
}

// chance makes names and paths. Names are few, so that many paths lead somewhere.
type chance struct{ *rand.Rand }

func (c chance) name() string { return string(rune('a' + c.IntN(4))) }

func (c chance) path() string {
	var b strings.Builder
	if c.IntN(20) == 0 {
		b.WriteByte('/')
	}
	for n := 1 + c.IntN(5); n > 0; n-- {
		switch c.IntN(7) {
		case 0:
			b.WriteString("..")
		case 1:
			b.WriteString(".")
		default:
			b.WriteString(c.name())
		}
		if n > 1 || c.IntN(5) == 0 {
			b.WriteString(strings.Repeat("/", 1+c.IntN(4)/3))
		}
	}
	return b.String()
}

// tree makes files, directories and links of chance in a directory.
func (c chance) tree(dir string, depth int) {
	for range 4 {
		p := filepath.Join(dir, c.name())
		switch c.IntN(4) {
		case 0:
			_ = os.WriteFile(p, nil, 0o644)
		case 1, 2:
			if os.Mkdir(p, 0o755) == nil && depth > 0 {
				c.tree(p, depth-1)
			}
		default:
			_ = os.Symlink(c.path(), p)
		}
	}
}

// TestPathsAgainstModel compares where paths of chance lead with the model, in trees of chance that are full of links,
// many of which lead out of the folder.
func TestPathsAgainstModel(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	c := chance{rand.New(rand.NewPCG(seed, 1))}
	met := map[Errno]int{}
	for range 12 {
		outer := t.TempDir()
		c.tree(outer, 1) // what must not be reached
		dir := filepath.Join(outer, "granted")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		c.tree(dir, 3)
		g, root := newGuest(t, dir), readTree(t, dir)
		for range 500 {
			comparePath(t, g, root, c.path(), c.IntN(2) == 0, met)
		}
	}
	if len(met) < 5 || met[errnoNotcapable] < 100 || met[errnoSuccess] < 100 {
		t.Errorf("too little was met: %v", met)
	}
	if t.Failed() {
		t.Logf("seed %d", seed)
	}
}

// comparePath compares one path, asked for its attributes and opened.
func comparePath(t *testing.T, g *guest, root *node, path string, follow bool, met map[Errno]int) {
	t.Helper()
	flag := uint64(0)
	if follow {
		flag = symlinkFollow
	}
	stack, want := new(model).walk([]*node{root}, path, follow)
	met[want]++
	at, n := g.text(textAt, path)
	e := g.call("path_filestat_get", 3, flag, at, n, resultAt)
	if e != want {
		t.Errorf("attributes of %q, follow %t: error %d, the model's is %d", path, follow, e, want)
		return
	}
	link := false
	if e == errnoSuccess {
		end := stack[len(stack)-1]
		if ino := binary.LittleEndian.Uint64(g.m[resultAt+8:]); ino != end.ino {
			t.Errorf("%q, follow %t, is inode %d, the model's is %d", path, follow, ino, end.ino)
		}
		link = end.target != ""
	}
	fd, e := g.open(path, flag, 0, 0, 0)
	switch {
	case link && e == 32:
	case e != want:
		t.Errorf("opening %q, follow %t: error %d, the model's is %d", path, follow, e, want)
	case e == errnoSuccess:
		g.must(0, "fd_close", fd)
	}
}

// TestNothingOutsideChanges makes changes of chance by paths of chance. What is beside the folder stays as it is.
func TestNothingOutsideChanges(t *testing.T) {
	const seed = 1 // always the same: each call has to succeed at times, and some seldom do
	c := chance{rand.New(rand.NewPCG(seed, 2))}
	outer := t.TempDir()
	c.tree(outer, 1)
	before := names(t, outer)
	dir := filepath.Join(outer, "granted")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	g, done := newGuest(t, dir), map[string]int{}
	for range 8000 {
		a, an := g.text(textAt, c.path())
		b, bn := g.text(otherAt, c.path())
		name, args := "path_create_directory", []uint64{3, a, an}
		switch c.IntN(8) {
		case 0, 1:
		case 2:
			name = "path_unlink_file"
		case 3:
			name = "path_remove_directory"
		case 4:
			name, args = "path_symlink", []uint64{a, an, 3, b, bn}
		case 5:
			name, args = "path_rename", []uint64{3, a, an, 3, b, bn}
		case 6:
			name, args = "path_link", []uint64{3, 0, a, an, 3, b, bn}
		case 7:
			name, args = "path_open", []uint64{3, uint64(c.IntN(2)), a, an, openCreate, uint64(rightWrite), 0, 0, resultAt}
		}
		if g.call(name, args...) != errnoSuccess {
			continue
		}
		if done[name]++; name == "path_open" {
			g.must(0, "fd_close", g.result())
		}
	}
	if len(done) < 7 {
		t.Errorf("some calls never succeeded: %v", done)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if after := names(t, outer); !maps.Equal(before, after) {
		t.Errorf("seed %d: beside the folder there was\n%v\nand is now\n%v", seed, before, after)
	}
}

// names are all files below a directory, with what they are.
func names(t *testing.T, dir string) map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && path != dir {
			all[path] = info.Mode().String() + " " + info.ModTime().String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
