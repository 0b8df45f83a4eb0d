// SPDX-License-Identifier: Apache-2.0

//go:build linux

package folder_test

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/ninep/ninetest"
)

// changed is a transport to an honest server, whose replies somebody changes on their way. It gives one answer after
// the other, so that the same data changes the same things.
type changed struct {
	ninetest.Local
	change func(request, reply []byte) []byte
}

func (c *changed) Start(x *ninep.Exchange) error {
	request := slices.Concat(x.Request[0], x.Request[1])
	reply := c.change(request, c.Server.Handle(request))
	reply = reply[:min(len(reply), len(x.Reply[0])+len(x.Reply[1]))]
	n := copy(x.Reply[0], reply)
	copy(x.Reply[1], reply[n:])
	x.Done(len(reply), nil)
	return nil
}

// FuzzLiar: whatever of a server's replies is changed, each operation comes to an end, with a
// result or an error number, and nothing that isn't a name leaves.
func FuzzLiar(f *testing.F) {
	f.Add([]byte{0, 0}, uint8(0))
	f.Add([]byte{7, 9, 0, 7, 2, 1, 30, 3}, uint8(3))
	f.Add([]byte{3, 8, 200, 3, 9, 2, 3, 8, 2, 3, 7, 1, 3, 21, 2}, uint8(5))
	f.Fuzz(func(t *testing.T, data []byte, first uint8) {
		dir := t.TempDir()
		s, err := ninetest.New(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		l := &changed{Local: ninetest.Local{Server: s}}
		l.change = func(_, reply []byte) []byte {
			var turn []byte
			if turn, data = data[:min(3, len(data))], data[min(3, len(data)):]; len(turn) == 3 && turn[0]&1 != 0 {
				reply[int(turn[1])%len(reply)] = turn[2]
				if turn[0]&2 == 0 { // its length stays right, so that the rest is looked at
					binary.LittleEndian.PutUint32(reply, uint32(len(reply)))
				}
			}
			return reply
		}
		tries(t, l, first)
		for _, wrong := range s.Wrong() {
			if len(wrong) > 9 && wrong[:9] == "the name " {
				t.Error(wrong)
			}
		}
	})
}

// tries does what there is to do in a folder, beginning anywhere.
func tries(t *testing.T, transport ninep.Transport, first uint8) {
	ctx := context.Background()
	c, err := ninep.Dial(ctx, transport, ninep.Config{Requests: 1, Fids: 64, MessageSize: 8192})
	known(t, err)
	if err != nil {
		return
	}
	d, err := folder.Attach(ctx, c, folder.Options{})
	known(t, err)
	if err != nil {
		return
	}
	all := []func() error{
		func() error { return d.Mkdir(ctx, "a", 0o755) },
		func() error { return d.Symlink(ctx, "a/../a/b", "l") },
		func() error { return writes(t, d, "a/b") },
		func() error { _, err := d.Stat(ctx, "l"); return err },
		func() error { _, err := d.Readlink(ctx, "l"); return err },
		func() error { return d.Rename(ctx, "l", "a/m") },
		func() error { _, err := d.ReadDir(ctx, "a/."); return err },
		func() error { return writes(t, d, "a/m") },
		func() error { return d.Link(ctx, "a/b", "c") },
		func() error { return d.Remove(ctx, "a") },
		func() error { return d.SetXattr(ctx, "c", "user.x", []byte("v"), 0) },
		func() error { _, err := d.GetXattr(ctx, "c", "user.x"); return err },
	}
	for i := range all {
		known(t, all[(int(first)+i)%len(all)]())
	}
	if err := d.Close(); err == nil && c.Err() == nil && c.Fids() != 0 {
		t.Errorf("%d files left over", c.Fids())
	}
}

func known(t *testing.T, err error) {
	t.Helper()
	var e abi.Errno
	if err != nil && (!errors.As(err, &e) || e == 0) {
		t.Errorf("an error without a number: %v", err)
	}
}

// writes makes a file or opens it, writes and reads.
func writes(t *testing.T, d *folder.Dir, path string) error {
	ctx := context.Background()
	f, err := d.OpenFile(ctx, path, abi.O_RDWR|abi.O_CREAT, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	p := make([]byte, 20000)
	n, err := f.WriteAt(ctx, p, 0)
	if n < 0 || n > len(p) || err == nil && n == 0 {
		t.Error("written:", n)
	}
	n, rerr := f.ReadAt(ctx, p, 0)
	if n < 0 || n > len(p) {
		t.Error("read:", n)
	}
	return errors.Join(err, rerr)
}

// TestEndless: a directory that has no end takes no memory without end.
func TestEndless(t *testing.T) {
	s, err := ninetest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	entry := append(make([]byte, 13+8+1), 1, 0, 'x')
	l := &changed{Local: ninetest.Local{Server: s}, change: func(request, reply []byte) []byte {
		if ninep.Type(request[4]) == ninep.Treaddir {
			data := slices.Repeat(entry, 60000/len(entry))
			reply = binary.LittleEndian.AppendUint32(reply[:7], uint32(len(data)))
			reply = append(reply, data...)
			binary.LittleEndian.PutUint32(reply, uint32(len(reply)))
		}
		return reply
	}}
	c, err := ninep.Dial(t.Context(), l, ninep.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := folder.Attach(t.Context(), c, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := d.ReadDir(t.Context(), "."); !errors.Is(err, abi.ENOMEM) {
		t.Error(len(all), err)
	}
}

// TestCloseUsed: who closes a file that is being read doesn't wait, and the read ends well.
func TestCloseUsed(t *testing.T) {
	ctx := t.Context()
	s, err := ninetest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	begun, closed := make(chan struct{}), make(chan struct{})
	s.Hold = func(kind ninep.Type, _ <-chan struct{}) {
		if kind == ninep.Tread {
			close(begun)
			<-closed
		}
	}
	d := served(t, s, false)
	f, err := d.Create(ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := f.ReadAt(ctx, make([]byte, 1), 0)
		read <- err
	}()
	<-begun
	before := s.Seen(ninep.Tclunk)
	if err := f.Close(); err != nil || s.Seen(ninep.Tclunk) != before {
		t.Error("closed:", err)
	}
	close(closed)
	if err := <-read; err != nil || s.Seen(ninep.Tclunk) != before+1 {
		t.Error("read:", err)
	}
}

// TestClose: a file that is closed while it is used stays until that is over, and is given
// back once.
func TestClose(t *testing.T) {
	ctx, d := t.Context(), honest(t, t.TempDir(), false)
	for range 30 {
		f, err := d.Create(ctx, "f")
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		closed := make(chan error, 2)
		for range 4 {
			all.Go(func() {
				p := make([]byte, 100)
				for {
					if _, err := f.ReadAt(ctx, p, 0); errors.Is(err, abi.EBADF) {
						return
					} else if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for range 2 {
			all.Go(func() { closed <- f.Close() })
		}
		all.Wait()
		if a, b := <-closed, <-closed; (a == nil) == (b == nil) {
			t.Error("closed twice:", a, b)
		}
	}
}

// TestAllocations: reads and writes of an open file take nothing from the heap.
func TestAllocations(t *testing.T) {
	s, err := ninetest.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	quick := &quick{Local: ninetest.Local{Server: s}}
	c, err := ninep.Dial(t.Context(), quick, ninep.Config{MessageSize: 8192})
	if err != nil {
		t.Fatal(err)
	}
	d, err := folder.Attach(t.Context(), c, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := d.Create(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 30000) // four messages
	quick.on = true
	for name, do := range map[string]func() (int, error){
		"read":  func() (int, error) { return f.ReadAt(t.Context(), p, 0) },
		"write": func() (int, error) { return f.WriteAt(t.Context(), p, 0) },
	} {
		got := testing.AllocsPerRun(100, func() {
			if n, err := do(); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

// quick answers reads and writes by itself when it is on, and allocates nothing.
type quick struct {
	ninetest.Local
	on bool
}

func (q *quick) Start(x *ninep.Exchange) error {
	if !q.on {
		return q.Local.Start(x)
	}
	request, reply, size := x.Request[0], x.Reply[0], 11
	n := binary.LittleEndian.Uint32(request[19:])
	if ninep.Type(request[4]) == ninep.Tread {
		size += int(n)
	}
	binary.LittleEndian.PutUint32(reply, uint32(size))
	reply[4] = request[4] + 1
	copy(reply[5:7], request[5:7])
	binary.LittleEndian.PutUint32(reply[7:], n)
	x.Done(size, nil)
	return nil
}

// TestBetween: a link that comes where a file is about to be made is not followed, even by
// a server that would.
func TestBetween(t *testing.T) {
	all := t.TempDir()
	dir, out := filepath.Join(all, "folder"), filepath.Join(all, "out")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := ninetest.Careless(dir)
	links := 0
	s.Hold = func(kind ninep.Type, _ <-chan struct{}) {
		if kind == ninep.Tlcreate && links == 0 {
			links++
			if err := os.Symlink(out, filepath.Join(dir, "new")); err != nil {
				t.Error(err)
			}
		}
	}
	d := served(t, s, false)
	_, err := d.OpenFile(t.Context(), "new", abi.O_RDWR|abi.O_CREAT, 0o644)
	if !errors.Is(err, abi.EXDEV) || links != 1 {
		t.Error(err, links)
	}
	if _, err := os.Lstat(out); err == nil {
		t.Error("a file was made outside")
	}
}
