// SPDX-License-Identifier: Apache-2.0

//go:build linux

package folderd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/ninep/folder/foldertest"
	"loam/user/ninep/ninetest"
)

// world is a server with a folder behind it, and what the kernel would do.
type world struct {
	*Server
	dir     string
	host    *ninetest.Server
	client  *ninep.Client
	session Session

	mu      sync.Mutex
	minted  map[abi.Handle]uint64
	ended   map[abi.Handle]func() // by the handle of a process
	revoked map[uint64]bool
	fail    error // of Mint
}

type badge struct{}

// by is a context of a caller with a badge.
func by(ctx context.Context, b uint64) context.Context { return context.WithValue(ctx, badge{}, b) }

var grants = map[uint64]Grant{1: {".", false}, 2: {".", true}, 3: {"sub", false}, 4: {"sub", true}, 5: {"none", false}}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newHeldWorld(t, nil)
}

// newHeldWorld is newWorld with a host whose requests wait in hold (ninetest.Server.Hold).
func newHeldWorld(t *testing.T, hold func(ninep.Type, <-chan struct{})) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), minted: map[abi.Handle]uint64{}, ended: map[abi.Handle]func(){}, revoked: map[uint64]bool{}}
	if err := os.Mkdir(filepath.Join(w.dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.host, err = ninetest.New(w.dir); err != nil {
		t.Fatal(err)
	}
	w.host.Hold = hold
	if w.client, err = ninep.Dial(t.Context(), &ninetest.Local{Server: w.host}, ninep.Config{}); err != nil {
		t.Fatal(err)
	}
	all, err := folder.Attach(t.Context(), w.client, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.Server = &Server{Folder: all, Grants: grants, Mint: w.mint, Revoke: w.revoke, Watch: w.watch,
		Caller: func(ctx context.Context) uint64 { return ctx.Value(badge{}).(uint64) }}
	w.session = Session{w.Server}
	t.Cleanup(func() {
		for _, ended := range w.ended {
			ended()
		}
		if n := w.client.Fids(); n != 1 || len(w.sessions) != 0 {
			t.Errorf("%d files are left, not 1, and %d sessions", n, len(w.sessions))
		}
		if err := all.Close(); err != nil {
			t.Error(err)
		}
		w.host.Close()
		for _, wrong := range w.host.Wrong() {
			t.Error("the server broke the protocol:", wrong)
		}
	})
	return w
}

func (w *world) mint(session uint64) (ipc.Handle, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		return ipc.Handle{}, w.fail
	}
	h := abi.Handle(1000 + session)
	w.minted[h] = session
	return ipc.Handle{Handle: h}, nil
}

func (w *world) revoke(session uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revoked[session] = true
}

// watch knows processes by the handles from 1 to 999.
func (w *world) watch(process ipc.Handle, ended func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if process.Handle == 0 || process.Handle > 999 {
		return abi.EINVAL
	}
	w.ended[process.Handle] = ended
	return nil
}

// attach begins a session, and gives the context of who calls it.
func (w *world) attach(t *testing.T, as uint64, process abi.Handle) (context.Context, Info) {
	t.Helper()
	ctx, info, err := w.tryAttach(t.Context(), as, process)
	must(t, err)
	return ctx, info
}

func (w *world) tryAttach(ctx context.Context, as uint64, process abi.Handle) (context.Context, Info, error) {
	h, info, err := w.Attach(by(ctx, as), ipc.Handle{Handle: process})
	w.mu.Lock()
	defer w.mu.Unlock()
	return by(ctx, w.minted[h.Handle]), info, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFolder: all that a session can do is done on the host.
func TestFolder(t *testing.T) {
	w := newWorld(t)
	ctx, info := w.attach(t, 1, 1)
	if info != (Info{false, MaxData}) {
		t.Error(info)
	}
	s := w.session
	must(t, s.Mkdir(ctx, Root, "a", 0o755))
	a, isDir, err := s.Open(ctx, Root, "a", abi.O_RDONLY, 0)
	if a != 1 || !isDir || err != nil {
		t.Fatal(a, isDir, err)
	}
	f, isDir, err := s.Open(ctx, a, "f", abi.O_RDWR|abi.O_CREAT|abi.O_EXCL, 0o640)
	if f != 2 || isDir || err != nil {
		t.Fatal(f, isDir, err)
	}
	data := bytes.Repeat([]byte("0123456789abcdef"), MaxData/16+1)
	if n, err := s.Write(ctx, f, 3, data); n != MaxData || err != nil {
		t.Fatal(n, err)
	}
	if got, err := s.Read(ctx, f, 3, 1<<30); err != nil || !bytes.Equal(got, data[:MaxData]) {
		t.Fatal(len(got), err)
	}
	if got, err := s.Read(ctx, f, MaxData+3, 10); len(got) != 0 || err != nil {
		t.Error("at the end:", got, err)
	}
	must(t, s.Sync(ctx, f, true))
	must(t, s.Change(ctx, f, "", true, ninep.SetAttr{Valid: ninep.SetSize | ninep.SetMode, Size: 5, Mode: 0o600}))
	if at, err := s.Stat(ctx, f, "", true); at.Size != 5 || at.Mode&0o777 != 0o600 || err != nil {
		t.Errorf("%+v %v", at, err)
	}
	must(t, s.Symlink(ctx, "a/f", Root, "l"))
	if target, err := s.Readlink(ctx, Root, "l"); target != "a/f" || err != nil {
		t.Error(target, err)
	}
	for follow, kind := range map[bool]uint32{true: ninep.ModeRegular, false: ninep.ModeSymlink} {
		if at, err := s.Stat(ctx, Root, "l", follow); at.Mode&ninep.ModeType != kind || err != nil {
			t.Error(follow, at.Mode, err)
		}
	}
	must(t, s.Change(ctx, Root, "l", true, ninep.SetAttr{Valid: ninep.SetSize, Size: 4}))
	must(t, s.Link(ctx, a, "f", Root, "g"))
	must(t, s.Rename(ctx, Root, "g", a, "h"))
	must(t, s.Unlink(ctx, a, "f"))
	must(t, s.Rmdir(ctx, Root, "sub"))
	if got, err := os.ReadFile(filepath.Join(w.dir, "a/h")); string(got) != "\x00\x00\x000" || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if st, err := s.Space(ctx); st.Namelen == 0 || err != nil {
		t.Error(st, err)
	}
	must(t, s.Close(ctx, f))
	for what, err := range map[string]error{
		"closed": s.Close(ctx, f), "root": s.Close(ctx, Root), "never": s.Close(ctx, 77), "file": s.Sync(ctx, Root, false),
		"mkdir": s.Mkdir(ctx, f, "x", 0),
	} {
		if !errors.Is(err, abi.EBADF) {
			t.Error(what, err)
		}
	}
	if f, _, err = s.Open(ctx, a, "h", abi.O_RDONLY, 0); f != 2 || err != nil {
		t.Error("the least number:", f, err)
	}
	if err := s.Mkdir(ctx, f, "x", 0); !errors.Is(err, abi.ENOTDIR) {
		t.Error("below a file:", err)
	}
	if err := s.Change(ctx, f, "", true, ninep.SetAttr{Valid: ninep.SetSize}); !errors.Is(err, abi.EINVAL) {
		t.Error("the size of what is open for reading:", err)
	}
	if _, err := s.Write(ctx, f, 0, data); !errors.Is(err, abi.EBADF) {
		t.Error("a write:", err)
	}
	if _, err := s.List(ctx, f, 0); !errors.Is(err, abi.ENOTDIR) {
		t.Error("a list:", err)
	}
}

// TestList: a large directory is listed whole, in as many calls as it takes.
func TestList(t *testing.T) {
	w := newWorld(t)
	want := map[string]bool{".": true, "..": true}
	for i := range 3000 {
		name := fmt.Sprintf("%0200d", i)
		want[name] = true
		must(t, os.WriteFile(filepath.Join(w.dir, "sub", name), nil, 0o600))
	}
	ctx, _ := w.attach(t, 3, 1)
	s := w.session
	d, _, err := s.Open(ctx, Root, ".", abi.O_RDONLY|abi.O_DIRECTORY, 0)
	must(t, err)
	calls := 0
	for offset := uint64(0); ; calls++ {
		all, err := s.List(ctx, d, offset)
		must(t, err)
		size := 0
		for _, e := range all {
			if !want[e.Name] {
				t.Fatalf("%q, which is not there, or twice", e.Name)
			}
			delete(want, e.Name)
			offset = e.Offset
			size += 21 + len(e.Name)
		}
		if size > maxEntries {
			t.Error("an answer of", size)
		}
		if len(all) == 0 {
			break
		}
	}
	if len(want) != 0 || calls < 10 {
		t.Errorf("%d are missing, in %d calls", len(want), calls)
	}
}

// TestGrants: each has what was granted, and nothing else.
func TestGrants(t *testing.T) {
	w := newWorld(t)
	s := w.session
	must(t, os.WriteFile(filepath.Join(w.dir, "secret"), []byte("no"), 0o600))
	must(t, os.WriteFile(filepath.Join(w.dir, "sub/f"), []byte("yes"), 0o600))
	must(t, os.Symlink("../secret", filepath.Join(w.dir, "sub/l")))
	for _, as := range []uint64{0, 6} {
		if _, _, err := w.Attach(by(t.Context(), as), ipc.Handle{Handle: 1}); !errors.Is(err, abi.EACCES) {
			t.Error(as, err)
		}
	}
	if _, _, err := w.Attach(by(t.Context(), 5), ipc.Handle{Handle: 1}); !errors.Is(err, abi.ENOENT) {
		t.Error("what isn't there:", err)
	}
	before := foldertest.Tree(t, w.dir)
	for _, as := range []uint64{2, 4} {
		ctx, info := w.attach(t, as, abi.Handle(as))
		if !info.ReadOnly {
			t.Error(as, "isn't read-only")
		}
		path := map[uint64]string{2: "sub/f", 4: "f"}[as]
		f, _, err := s.Open(ctx, Root, path, abi.O_RDONLY, 0)
		must(t, err)
		_, _, create := s.Open(ctx, Root, "new", abi.O_WRONLY|abi.O_CREAT, 0o600)
		_, _, truncate := s.Open(ctx, Root, path, abi.O_RDONLY|abi.O_TRUNC, 0)
		for i, err := range []error{create, truncate, s.Mkdir(ctx, Root, "d", 0o700), s.Symlink(ctx, "x", Root, "y"), s.Unlink(ctx, Root, path),
			s.Rmdir(ctx, Root, "sub"), s.Rename(ctx, Root, path, Root, "z"), s.Link(ctx, Root, path, Root, "z"),
			s.Change(ctx, Root, path, true, ninep.SetAttr{Valid: ninep.SetSize}), s.Change(ctx, Root, path, false, ninep.SetAttr{Valid: ninep.SetMode}),
			s.Change(ctx, f, "", true, ninep.SetAttr{Valid: ninep.SetMode})} {
			if !errors.Is(err, abi.EROFS) {
				t.Error(as, i, err)
			}
		}
		if got, err := s.Read(ctx, f, 0, 10); string(got) != "yes" || err != nil {
			t.Errorf("%q %v", got, err)
		}
	}
	if after := foldertest.Tree(t, w.dir); after != before {
		t.Errorf("it has changed:\n%s\nnot\n%s", after, before)
	}
	sub, _ := w.attach(t, 3, 10)
	for _, path := range []string{"../secret", "..", "l", "/secret", "../sub/f"} {
		_, _, err := s.Open(sub, Root, path, abi.O_RDONLY, 0)
		if !errors.Is(err, abi.EXDEV) {
			t.Errorf("%s: %v", path, err)
		}
	}
	must(t, s.Rename(sub, Root, "f", Root, "g"))
	all, _ := w.attach(t, 1, 11)
	if _, err := s.Stat(all, Root, "sub/g", false); err != nil {
		t.Error("what another session has done:", err)
	}
}
