// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/ninetest"
)

// serve gives a client of a folder that is made for the test. At the test's end the
// client must have done nothing that it must not, and left nothing behind.
func serve(t testing.TB, g ninep.Config, hold func(ninep.Type, <-chan struct{})) (*ninep.Client, *ninetest.Server, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := ninetest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	s.Hold = hold
	c, err := ninep.Dial(t.Context(), &ninetest.Local{Server: s}, g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if wrong := s.Wrong(); wrong != nil {
			t.Errorf("the client did what it must not: %q", wrong)
		}
		if s.Fids() != c.Fids() {
			t.Errorf("the server keeps %d files, the client knows %d", s.Fids(), c.Fids())
		}
		s.Close()
	})
	return c, s, dir
}

func attach(t testing.TB, c *ninep.Client) ninep.Fid {
	t.Helper()
	root, q, err := c.Attach(context.Background(), "", "")
	if err != nil || !q.IsDir() {
		t.Fatalf("attach: %v %v", q, err)
	}
	return root
}

// walk goes to a name in a directory.
func walk(t testing.TB, c *ninep.Client, dir ninep.Fid, names ...string) ninep.Fid {
	t.Helper()
	var qids [ninep.MaxWalk]ninep.QID
	fid, n, err := c.Walk(context.Background(), dir, names, &qids)
	if err != nil || n != len(names) {
		t.Fatalf("walk %q: %d, %v", names, n, err)
	}
	return fid
}

// create makes a file with some bytes in it and gives it open.
func create(t testing.TB, c *ninep.Client, dir ninep.Fid, name string, data []byte) ninep.Fid {
	t.Helper()
	ctx := context.Background()
	f := walk(t, c, dir)
	if _, _, err := c.Create(ctx, f, name, abi.O_RDWR|abi.O_EXCL, 0o644, 0); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(data); {
		done, err := c.Write(ctx, f, uint64(n), data[n:])
		if err != nil || done == 0 {
			t.Fatal(done, err)
		}
		n += done
	}
	return f
}

// TestMessages: each request does what it says, on the host.
func TestMessages(t *testing.T) {
	ctx := t.Context()
	c, s, dir := serve(t, ninep.Config{}, nil)
	root := attach(t, c)
	var a ninep.Attr
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	_, err := c.Mkdir(ctx, root, "d", 0o755, 0)
	must("mkdir", err)
	f := create(t, c, root, "f", []byte("hello"))
	_, err = c.Symlink(ctx, root, "l", "d/../f", 0)
	must("symlink", err)
	d := walk(t, c, root, "d")
	must("link", c.Link(ctx, d, f, "hard"))
	must("rename", c.Rename(ctx, root, "f", d, "g"))
	must("setattr", c.SetAttr(ctx, f, &ninep.SetAttr{Valid: ninep.SetSize | ninep.SetMode, Size: 3, Mode: 0o600}))
	must("getattr", c.GetAttr(ctx, f, ninep.AttrBasic, &a))
	if a.Size != 3 || a.Mode != 0o100600 || a.Nlink != 2 || a.Valid != ninep.AttrBasic {
		t.Errorf("attributes %+v", a)
	}
	l := walk(t, c, root, "l")
	if target, err := c.Readlink(ctx, l); target != "d/../f" || err != nil {
		t.Errorf("readlink %q %v", target, err)
	}
	must("fsync", c.Fsync(ctx, f, true))
	if st, err := c.Lock(ctx, f, &ninep.Lock{Type: ninep.LockWrite, Owner: "me"}); st != ninep.LockGranted || err != nil {
		t.Error(st, err)
	}
	found, err := c.GetLock(ctx, f, &ninep.Lock{Type: ninep.LockRead, Start: 1, Length: 2, PID: 3, Owner: "me"})
	if want := (ninep.Lock{Type: ninep.Unlock, Start: 1, Length: 2, PID: 3, Owner: "me"}); found != want || err != nil {
		t.Error(found, err)
	}
	var host syscall.Statfs_t
	must("the host's statfs", syscall.Statfs(dir, &host))
	if st, err := c.StatFS(ctx, root); st.Blocks != host.Blocks || int64(st.Bsize) != int64(host.Bsize) || int64(st.Namelen) != int64(host.Namelen) || err != nil {
		t.Error("statfs", st, err)
	}
	must("unlink", c.Unlink(ctx, d, "hard", 0))
	must("clunk", c.Clunk(f))
	for _, fid := range []ninep.Fid{d, l, root} {
		must("clunk", c.Clunk(fid))
	}
	if got, err := os.ReadFile(filepath.Join(dir, "d/g")); string(got) != "hel" || err != nil {
		t.Errorf("on the host: %q %v", got, err)
	}
	if s.Fids() != 0 || c.Fids() != 0 {
		t.Error("files left over")
	}
}

// TestNames: no name that isn't one gets out.
func TestNames(t *testing.T) {
	ctx := t.Context()
	c, _, _ := serve(t, ninep.Config{}, nil)
	root := attach(t, c)
	defer func() { _ = c.Clunk(root) }()
	var qids [ninep.MaxWalk]ninep.QID
	for name, want := range map[string]abi.Errno{"": abi.ENOENT, ".": abi.EINVAL, "..": abi.EINVAL, "a/b": abi.EINVAL,
		"/": abi.EINVAL, "a\x00": abi.EINVAL, strings.Repeat("x", 256): abi.ENAMETOOLONG} {
		_, _, walk := c.Walk(ctx, root, []string{name}, &qids)
		_, mkdir := c.Mkdir(ctx, root, name, 0o755, 0)
		_, symlink := c.Symlink(ctx, root, name, "x", 0)
		_, _, create := c.Create(ctx, root, name, 0, 0, 0)
		for i, err := range []error{walk, mkdir, symlink, create, c.Link(ctx, root, root, name), c.Unlink(ctx, root, name, 0),
			c.Rename(ctx, root, name, root, "x"), c.Rename(ctx, root, "x", root, name)} {
			if !errors.Is(err, want) {
				t.Errorf("%q, request %d: %v", name, i, err)
			}
		}
	}
	if _, _, err := c.Walk(ctx, root, make([]string, 17), &qids); !errors.Is(err, abi.E2BIG) {
		t.Error("17 names:", err)
	}
	long := strings.Repeat("n", 255)
	if _, err := c.Symlink(ctx, root, long, strings.Repeat("t", 4095), 0); err != nil {
		t.Error("the longest link:", err)
	}
	fid := walk(t, c, root, long)
	if target, err := c.Readlink(ctx, fid); len(target) != 4095 || err != nil {
		t.Error("its target:", len(target), err)
	}
	_ = c.Clunk(fid)
	if _, err := c.Symlink(ctx, root, "x", strings.Repeat("t", 4096), 0); !errors.Is(err, abi.ENAMETOOLONG) {
		t.Error("too long a link:", err)
	}
	if _, _, err := c.Walk(ctx, root, []string{"missing"}, &qids); !errors.Is(err, abi.ENOENT) {
		t.Error(err)
	}
}

// TestReadOnly: no request of a read-only client can change anything: they don't even
// leave.
func TestReadOnly(t *testing.T) {
	c, s, _ := serve(t, ninep.Config{ReadOnly: true}, nil)
	changesNothing(t, c, s)
	// Nor can one of a connection on which others can.
	all, s, _ := serve(t, ninep.Config{}, nil)
	changesNothing(t, all.Reading(), s)
	if all.ReadOnly() || !all.Reading().ReadOnly() || all.Reading().Err() != nil {
		t.Error("what is read-only")
	}
}

func changesNothing(t *testing.T, c *ninep.Client, s *ninetest.Server) {
	t.Helper()
	ctx := t.Context()
	root := attach(t, c)
	defer func() { _ = c.Clunk(root) }()
	_, _, create := c.Create(ctx, root, "x", 0, 0, 0)
	_, mkdir := c.Mkdir(ctx, root, "x", 0, 0)
	_, symlink := c.Symlink(ctx, root, "x", "y", 0)
	_, write := c.Write(ctx, root, 0, []byte("x"))
	errs := []error{create, mkdir, symlink, write, c.Link(ctx, root, root, "x"), c.Rename(ctx, root, "x", root, "y"),
		c.Unlink(ctx, root, "x", 0), c.SetAttr(ctx, root, &ninep.SetAttr{}), c.XattrCreate(ctx, root, "x", 1, 0), c.Fsync(ctx, root, false)}
	for _, flags := range []uint32{abi.O_WRONLY, abi.O_RDWR, 3, abi.O_TRUNC, abi.O_CREAT} {
		_, _, err := c.Open(ctx, root, flags)
		errs = append(errs, err)
	}
	for i, err := range errs {
		if !errors.Is(err, abi.EROFS) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	for k := range 256 {
		switch kind := ninep.Type(k); kind {
		case ninep.Tversion, ninep.Tattach:
		default:
			if s.Seen(kind) != 0 {
				t.Errorf("%v left", kind)
			}
		}
	}
}

// TestTogether: many goroutines share few requests, and nobody gets another's bytes.
func TestTogether(t *testing.T) {
	c, _, _ := serve(t, ninep.Config{Requests: 3}, nil)
	root := attach(t, c)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			ctx := context.Background()
			data := bytes.Repeat([]byte{byte(i)}, 5000)
			f := create(t, c, root, fmt.Sprint("f", i), data)
			got := make([]byte, 6000)
			for range 20 {
				n, err := c.Read(ctx, f, 0, got)
				if err != nil || !bytes.Equal(got[:n], data) {
					t.Errorf("file %d: %d bytes, %v", i, n, err)
				}
			}
			_ = c.Clunk(f)
		})
	}
	all.Wait()
	_ = c.Clunk(root)
}

// TestCancel: a request whose context ends is flushed. It comes to its end only when the
// server has let go of its memory, and says what happened.
func TestCancel(t *testing.T) {
	var mu sync.Mutex
	held := make(chan struct{}, 1)
	stop := map[ninep.Type]bool{}
	c, s, _ := serve(t, ninep.Config{Requests: 1}, func(k ninep.Type, flushed <-chan struct{}) {
		mu.Lock()
		hold := stop[k]
		mu.Unlock()
		if hold {
			held <- struct{}{}
			<-flushed
		}
	})
	root := attach(t, c)
	f := create(t, c, root, "f", []byte("hello"))
	mu.Lock()
	stop[ninep.Tread], stop[ninep.Twalk] = true, true
	mu.Unlock()
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-held; cancel() }()
		if n, err := c.Read(ctx, f, 0, make([]byte, 9)); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("read: %d, %v", n, err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		go func() { <-held }()
		var qids [ninep.MaxWalk]ninep.QID
		if _, _, err := c.Walk(ctx, root, nil, &qids); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("walk: %v", err)
		}
		cancel()
	}
	if s.Dropped() != 6 || s.Seen(ninep.Tflush) != 6 {
		t.Errorf("%d requests dropped, %d flushes", s.Dropped(), s.Seen(ninep.Tflush))
	}
	// The client lets go of what the walks may have given. The server notes that they gave
	// nothing, twice each.
	if wrong := s.Wrong(); len(wrong) != 6 {
		t.Errorf("%q", wrong)
	}
	s.Pardon()
	mu.Lock()
	clear(stop)
	mu.Unlock()
	p := make([]byte, 9)
	if n, err := c.Read(t.Context(), f, 0, p); string(p[:n]) != "hello" || err != nil {
		t.Errorf("afterwards: %q %v", p[:n], err)
	}
	_, _ = c.Clunk(f), c.Clunk(root)
}

// TestTooLate: what was done before the flush came counts as done.
func TestTooLate(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	s, err := ninetest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// The server is asked to flush what it has done already, but not yet answered.
	l := &lateLocal{Local: ninetest.Local{Server: s}, cancel: cancel}
	c, err := ninep.Dial(t.Context(), l, ninep.Config{})
	if err != nil {
		t.Fatal(err)
	}
	root := attach(t, c)
	l.armed.Store(true)
	if _, err := c.Mkdir(ctx, root, "d", 0o755, 0); err != nil {
		t.Error(err)
	}
	if s.Seen(ninep.Tflush) != 1 {
		t.Error("no flush was sent")
	}
	if _, err := os.Stat(filepath.Join(dir, "d")); err != nil {
		t.Error(err)
	}
}

// TestEnds: a transport that ends, ends every call with EIO and why.
func TestEnds(t *testing.T) {
	c, _, _ := serve(t, ninep.Config{}, nil)
	root := attach(t, c)
	_ = c.Clunk(root)
	why := errors.New("unplugged")
	broken, err := ninep.Dial(t.Context(), &broken{left: 2, err: why}, ninep.Config{})
	if err == nil {
		_, _, err = broken.Attach(t.Context(), "", "")
	}
	if !errors.Is(err, why) || !errors.Is(err, abi.EIO) {
		t.Error(err)
	}
	for _, g := range []ninep.Config{{Requests: -1}, {Requests: 1025}, {MessageSize: 8191}, {Fids: -1}} {
		if _, err := ninep.Dial(t.Context(), &ninetest.Local{}, g); !errors.Is(err, abi.EINVAL) {
			t.Errorf("%+v: %v", g, err)
		}
	}
}

// TestFids: there are as many as were asked for, and they come back.
func TestFids(t *testing.T) {
	c, _, _ := serve(t, ninep.Config{Fids: 3}, nil)
	root := attach(t, c)
	a, b := walk(t, c, root), walk(t, c, root)
	if _, _, err := c.Walk(t.Context(), root, nil, nil); !errors.Is(err, abi.ENFILE) {
		t.Error(err)
	}
	_ = c.Clunk(a)
	a = walk(t, c, root)
	_, _, _ = c.Clunk(a), c.Clunk(b), c.Clunk(root)
}
