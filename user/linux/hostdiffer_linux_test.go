// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package linux

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loam/abi"
	"loam/user/folderd"
	"loam/user/ipc"
	"loam/user/linux/hostfs"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/ninep/ninetest"
)

// newFolder serves a folder of the host's, as folderd does in a machine. die has it answer as
// one that has died, until it is attached to again.
func newFolder(t testing.TB, dir string) (fs *hostfs.FS, die func()) {
	host, err := ninetest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	client, err := ninep.Dial(t.Context(), &ninetest.Local{Server: host}, ninep.Config{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := folder.Attach(t.Context(), client, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var session uint64
	var ended func()
	share := make([]byte, 64<<10)
	s := &folderd.Server{Folder: all, Grants: map[uint64]folderd.Grant{1: {Path: "."}}}
	s.Shares = map[uint64]*folderd.Share{1: {Bytes: share}}
	s.Caller = func(context.Context) uint64 {
		mu.Lock()
		defer mu.Unlock()
		if session != 0 {
			return session
		}
		return 1
	}
	s.Mint = func(n uint64) (ipc.Handle, error) {
		mu.Lock()
		defer mu.Unlock()
		session = n
		return ipc.Handle{}, nil
	}
	s.Revoke = func(uint64) {}
	s.Watch = func(_ ipc.Handle, f func()) error { ended = f; return nil }
	var last atomic.Pointer[dying]
	fs = &hostfs.FS{Dev: devFolders, Dial: func(ctx context.Context) (*hostfs.Session, error) {
		mu.Lock()
		session = 0
		mu.Unlock()
		if _, _, err := s.Attach(ctx, ipc.Handle{Handle: 1}); err != nil {
			return nil, err
		}
		c := &dying{Folder: folderd.Session{Server: s}}
		last.Store(c)
		if _, _, err := c.Share(ctx); err != nil { // it is the session's before this one
			return &hostfs.Session{Folder: c, Data: folderd.MaxData}, nil
		}
		return &hostfs.Session{Folder: c, Share: share, Data: folderd.MaxData}, nil
	}}
	t.Cleanup(func() {
		if ended != nil {
			ended()
		}
		_ = all.Close()
		host.Close()
	})
	return fs, func() { last.Load().dead.Store(true) }
}

// dying is a folder whose service may have died.
type dying struct {
	folderd.Folder
	dead atomic.Bool
}

func (c *dying) alive() error {
	if c.dead.Load() {
		return abi.ECONNREFUSED
	}
	return nil
}

// Stat is for folderd.Folder.
func (c *dying) Stat(ctx context.Context, at uint32, path string, follow bool) (ninep.Attr, error) {
	if err := c.alive(); err != nil {
		return ninep.Attr{}, err
	}
	return c.Folder.Stat(ctx, at, path, follow)
}

// Read is for folderd.Folder.
func (c *dying) Read(ctx context.Context, file uint32, offset int64, n uint32) ([]byte, error) {
	if err := c.alive(); err != nil {
		return nil, err
	}
	return c.Folder.Read(ctx, file, offset, n)
}

// TestDifferFolder is TestDiffer on a folder of the host's.
func TestDifferFolder(t *testing.T) {
	// beyond some, the server of package ninetest is met, which sets the times of links no better than os.Root
	differSeeds(t, 20, 4, 300, func(d *differ, w *world) {
		d.folder = true
		dir, err := os.MkdirTemp("", "loam")
		if err != nil {
			t.Error(err)
			return
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		_ = os.Chmod(dir, 0o755)
		fs, _ := newFolder(t, dir)
		begun := time.Now()
		fs.Now = func() int64 { return int64(time.Since(begun)) }
		w.root = &vfs.Mount{Root: fs.Root()}
		for _, p := range w.processes {
			p.view = w.view()
			p.view.Umask = 0o022
		}
	})
}

// slowCall makes a call of any kind, and waits for its answer if it is one that waits for the folder.
func (w *world) slowCall(nr uint64, args [6]uint64) uint64 {
	r, now := w.begin(int(nr), args[:]...)
	if now {
		return r
	}
	return (<-w.k.slow).result
}

// TestFolderDies: files of a folder whose service has died are EIO, and the next ones are there again.
func TestFolderDies(t *testing.T) {
	w := newWorld(t)
	w.k.slow = make(chan reply, 1)
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/f", []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	fs, die := newFolder(t, dir)
	if e := w.Mount("/a/b", fs.Root(), "folder0", "9p", false); e != 0 {
		t.Fatal(e)
	}
	open := [6]uint64{here, w.put(0, "/a/b/f\x00"), abi.O_RDWR}
	read := func(fd uint64, want any) {
		t.Helper()
		r := w.slowCall(lx.SysRead, [6]uint64{fd, bufferAt, 100})
		if e, bad := abi.Failed(r); bad && want != e || !bad && want != int(r) {
			t.Fatalf("read %d, want %v", int64(r), want)
		}
	}
	fd := w.slowCall(lx.SysOpenat, open)
	read(fd, 4)
	die()
	read(fd, abi.EIO) // not the new session's file
	fd = w.slowCall(lx.SysOpenat, open)
	read(fd, 4)
	read(fd, 0)
	die()
	other := w.slowCall(lx.SysOpenat, open) // its path is looked up first, in a new session
	read(other, 4)
	read(fd, abi.EIO)
}
