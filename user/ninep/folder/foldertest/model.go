// SPDX-License-Identifier: Apache-2.0

//go:build linux

package foldertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/folder"
)

// Model does random operations in the folder and the same ones by the host's own system calls in
// another, and compares errors, results and what is there at the end.
func Model(t *testing.T, mount Mount, seed uint64, steps int) {
	dir, model := t.TempDir(), t.TempDir()
	m := &modelled{t: t, d: mount(t, dir, false), model: model + "/", r: rand.New(rand.NewPCG(seed, 9))}
	for range steps {
		m.step()
	}
	t.Logf("seed %d: of %d steps %d did something, %d failed", seed, steps, m.well, m.badly)
	if got, want := Tree(t, dir), Tree(t, model); got != want {
		t.Fatalf("seed %d: the folder is\n%s\nnot\n%s", seed, got, want)
	}
	if steps >= 1000 && (m.well < steps/8 || m.badly < steps/8) {
		t.Errorf("seed %d: of %d steps %d did something, %d failed", seed, steps, m.well, m.badly)
	}
}

type modelled struct {
	t           *testing.T
	d           *folder.Dir
	model       string
	r           *rand.Rand
	well, badly int
}

// path gives a path that may lead anywhere in the folder, and out of it.
func (m *modelled) path() string {
	names := []string{"a", "b", "c", "d", "a", "b", "a", "b", "a", "l", "..", "."}
	var parts []string
	for range 1 + m.r.IntN(3) {
		parts = append(parts, names[m.r.IntN(len(names))])
	}
	path := strings.Join(parts, "/")
	if m.r.IntN(10) == 0 {
		path += "/"
	}
	return path
}

// step does one operation twice.
func (m *modelled) step() {
	op := operations[m.r.IntN(len(operations))]
	if m.r.IntN(3) == 0 { // there must be something to do things to
		op = operations[(m.r.IntN(2) * (len(operations) - 1))]
	}
	p, q, n := m.path(), m.path(), m.r.IntN(1<<16)
	got, err := op.ours(m.d, p, q, n)
	if errors.Is(err, abi.EXDEV) {
		m.badly++
		return // on the host it could do something
	}
	want, hostErr := op.host(m.model+p, q, m.model+q, n)
	var e abi.Errno
	var h syscall.Errno
	if err != nil && !errors.As(err, &e) || hostErr != nil && !errors.As(hostErr, &h) {
		m.t.Fatalf("%s: %v, %v", op.name, err, hostErr)
	}
	if uintptr(e) != uintptr(h) && !(hostErr != nil && alike(e, abi.Errno(h))) || err == nil && got != want {
		m.t.Fatalf("%s(%q, %q, %d): %q, %v; on the host %q, %v", op.name, p, q, n, got, err, want, hostErr)
	}
	if err == nil {
		m.well++
	} else {
		m.badly++
	}
}

// alike are errors that say the same.
func alike(e, h abi.Errno) bool {
	return e == abi.ENOTEMPTY && h == abi.EEXIST || e == abi.EEXIST && h == abi.ENOTEMPTY
}

type operation struct {
	name string
	ours func(d *folder.Dir, p, q string, n int) (string, error)
	host func(p, text, q string, n int) (string, error)
}

var ctx = context.Background()

var operations = []operation{
	{"mkdir",
		func(d *folder.Dir, p, _ string, _ int) (string, error) { return "", d.Mkdir(ctx, p, 0o755) },
		func(p, _, _ string, _ int) (string, error) { return "", syscall.Mkdir(p, 0o755) }},
	{"unlink",
		func(d *folder.Dir, p, _ string, _ int) (string, error) { return "", d.Unlink(ctx, p) },
		func(p, _, _ string, _ int) (string, error) { return "", syscall.Unlink(p) }},
	{"rmdir",
		func(d *folder.Dir, p, _ string, _ int) (string, error) { return "", d.Rmdir(ctx, p) },
		func(p, _, _ string, _ int) (string, error) { return "", syscall.Rmdir(p) }},
	{"rename",
		func(d *folder.Dir, p, q string, _ int) (string, error) { return "", d.Rename(ctx, p, q) },
		func(p, _, q string, _ int) (string, error) { return "", syscall.Rename(p, q) }},
	{"link",
		func(d *folder.Dir, p, q string, _ int) (string, error) { return "", d.Link(ctx, p, q) },
		func(p, _, q string, _ int) (string, error) { return "", syscall.Link(p, q) }},
	{"symlink",
		func(d *folder.Dir, p, q string, _ int) (string, error) { return "", d.Symlink(ctx, q, p) },
		func(p, q, _ string, _ int) (string, error) { return "", syscall.Symlink(q, p) }},
	{"truncate",
		func(d *folder.Dir, p, _ string, n int) (string, error) { return "", d.Truncate(ctx, p, int64(n)) },
		func(p, _, _ string, n int) (string, error) { return "", syscall.Truncate(p, int64(n)) }},
	{"chmod",
		func(d *folder.Dir, p, _ string, n int) (string, error) {
			return "", d.SetAttr(ctx, p, &ninep.SetAttr{Valid: ninep.SetMode, Mode: uint32(n)&0o77 | 0o700})
		},
		func(p, _, _ string, n int) (string, error) { return "", syscall.Chmod(p, uint32(n)&0o77|0o700) }},
	{"readlink",
		func(d *folder.Dir, p, _ string, _ int) (string, error) { return d.Readlink(ctx, p) },
		func(p, _, _ string, _ int) (string, error) { return os.Readlink(p) }},
	{"stat",
		func(d *folder.Dir, p, _ string, _ int) (string, error) { return describe(d.Stat(ctx, p)) },
		func(p, _, _ string, _ int) (string, error) {
			var st syscall.Stat_t
			return describeHost(st, syscall.Stat(p, &st), &st)
		}},
	{"lstat",
		func(d *folder.Dir, p, _ string, _ int) (string, error) { return describe(d.Lstat(ctx, p)) },
		func(p, _, _ string, _ int) (string, error) {
			var st syscall.Stat_t
			return describeHost(st, syscall.Lstat(p, &st), &st)
		}},
	{"list", listed, listedHost},
	{"open", opened, openedHost},
}

func describe(a ninep.Attr, err error) (string, error) {
	if a.Mode&ninep.ModeType == ninep.ModeDir {
		return fmt.Sprintf("%o %d", a.Mode, a.Nlink), err
	}
	return fmt.Sprintf("%o %d %d", a.Mode, a.Nlink, a.Size), err
}

func describeHost(_ syscall.Stat_t, err error, st *syscall.Stat_t) (string, error) {
	return describe(ninep.Attr{Mode: st.Mode, Nlink: uint64(st.Nlink), Size: uint64(st.Size)}, err)
}

func listed(d *folder.Dir, p, _ string, _ int) (string, error) {
	entries, err := d.ReadDir(ctx, p)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name)
	}
	slices.Sort(names)
	return strings.Join(names, " "), err
}

func listedHost(p, _, _ string, _ int) (string, error) {
	fd, err := syscall.Open(p, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return "", err
	}
	f := os.NewFile(uintptr(fd), p)
	defer func() { _ = f.Close() }()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return strings.Join(names, " "), err
}

// flagsOf makes flags of a number.
func flagsOf(n int) int {
	flags := n % 3
	for i, f := range []int{abi.O_CREAT, abi.O_EXCL, abi.O_TRUNC, abi.O_APPEND, abi.O_NOFOLLOW, abi.O_DIRECTORY} {
		if n>>(4+i)&1 != 0 && (n>>10&1 != 0 || i == 0) {
			flags |= f
		}
	}
	if flags&abi.O_CREAT != 0 {
		flags &^= abi.O_DIRECTORY // Linux changed its mind about the two together
	}
	if flags&abi.O_CREAT == 0 {
		flags &^= abi.O_EXCL
	}
	return flags
}

// opened opens a file, reads or writes, and says what it read.
func opened(d *folder.Dir, p, q string, n int) (string, error) {
	f, err := d.OpenFile(ctx, p, flagsOf(n), 0o640)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if n%3 != 0 {
		done, err := f.WriteAt(ctx, []byte(q), int64(n>>11))
		return fmt.Sprint(done), err
	}
	b := make([]byte, 100)
	done, err := f.ReadAt(ctx, b, int64(n>>11))
	return string(b[:done]), err
}

func openedHost(p, text, _ string, n int) (string, error) {
	fd, err := syscall.Open(p, flagsOf(n), 0o640)
	if err != nil {
		return "", err
	}
	defer func() { _ = syscall.Close(fd) }()
	if n%3 != 0 {
		done, err := syscall.Pwrite(fd, []byte(text), int64(n>>11))
		return fmt.Sprint(done), err
	}
	b := make([]byte, 100)
	done, err := syscall.Pread(fd, b, int64(n>>11))
	return string(b[:max(done, 0)]), err
}
