// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"testing"

	"loam/user/ninep"
	"loam/user/ninep/ninetest"
)

// lateLocal is a server that answers a request, when armed, only after it has been asked
// to flush it.
type lateLocal struct {
	ninetest.Local
	armed  atomic.Bool
	cancel context.CancelFunc
	first  *ninep.Exchange
	reply  []byte
}

func (l *lateLocal) Start(x *ninep.Exchange) error {
	if !l.armed.Load() {
		return l.Local.Start(x)
	}
	reply := l.Server.Handle(append([]byte(nil), x.Request[0]...))
	if l.first == nil {
		l.first, l.reply = x, reply
		l.cancel()
		return nil
	}
	copy(x.Reply[0], reply)
	x.Done(len(reply), nil)
	copy(l.first.Reply[0], l.reply)
	l.first.Done(len(l.reply), nil)
	l.armed.Store(false)
	return nil
}

// broken is a transport that fails after some requests, the last of them under way.
type broken struct {
	left int
	err  error
}

func (b *broken) MaxMessage() uint32           { return ninetest.MessageSize }
func (b *broken) Memory(n int) ([]byte, error) { return make([]byte, n), nil }
func (b *broken) Forget(*ninep.Exchange)       {}
func (b *broken) Start(x *ninep.Exchange) error {
	if b.left--; b.left < 0 {
		return b.err
	}
	go x.Done(0, b.err)
	return nil
}

// canned is a transport whose server answers at once, and allocates nothing: the version,
// Rread with as many bytes as were asked for, Rwrite with as many as came.
type canned struct{ broken }

func (c *canned) Start(x *ninep.Exchange) error {
	q, r := x.Request[0], x.Reply[0]
	n := copy(r, q)
	switch ninep.Type(q[4]) {
	case ninep.Tread, ninep.Treaddir:
		want := binary.LittleEndian.Uint32(q[19:])
		binary.LittleEndian.PutUint32(r[7:], want)
		n = 11 + int(want)
	case ninep.Twrite:
		copy(r[7:11], q[19:])
		n = 11
	}
	binary.LittleEndian.PutUint32(r, uint32(n))
	r[4]++
	x.Done(n, nil)
	return nil
}

// TestAllocations: reads and writes take nothing from the heap.
func TestAllocations(t *testing.T) {
	c, err := ninep.Dial(t.Context(), &canned{}, ninep.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := make([]byte, 1000)
	for name, f := range map[string]func() (int, error){
		"read":    func() (int, error) { return c.Read(ctx, 1, 0, p) },
		"write":   func() (int, error) { return c.Write(ctx, 1, 0, p) },
		"readdir": func() (int, error) { return c.ReadDir(ctx, 1, 0, p) },
	} {
		got := testing.AllocsPerRun(100, func() {
			if n, err := f(); n != len(p) || err != nil {
				t.Fatal(n, err)
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations", name, got)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	c, err := ninep.Dial(b.Context(), &canned{}, ninep.Config{})
	if err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 4096)
	for b.Loop() {
		if _, err := c.Read(b.Context(), 1, 0, p); err != nil {
			b.Fatal(err)
		}
	}
}
