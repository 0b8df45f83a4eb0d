// SPDX-License-Identifier: Apache-2.0

//go:build linux

package folderd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"loam/abi"
	"loam/user/ipc"
)

// TestEnd: with its process a session ends, and everything that it had open; numbers of one
// session mean nothing in another.
func TestEnd(t *testing.T) {
	w := newWorld(t)
	s := w.session
	one, _ := w.attach(t, 1, 1)
	two, _ := w.attach(t, 1, 2)
	for range 10 {
		_, _, err := s.Open(one, Root, "sub", abi.O_RDONLY, 0)
		must(t, err)
	}
	if err := s.Close(two, 3); !errors.Is(err, abi.EBADF) {
		t.Error("another's number:", err)
	}
	w.ended[1]()
	if n := w.client.Fids(); n != 2 { // the folder and the other session's
		t.Errorf("%d files are left", n)
	}
	if _, err := s.Stat(one, Root, "sub", true); !errors.Is(err, abi.EBADF) || !w.revoked[one.Value(badge{}).(uint64)] {
		t.Error("after its end:", err)
	}
	_, err := s.Stat(two, Root, "sub", true)
	must(t, err)
	if _, _, err := w.Attach(by(t.Context(), 1), ipc.Handle{Handle: 5000}); !errors.Is(err, abi.EINVAL) {
		t.Error("no process:", err)
	}
	w.fail = abi.EDQUOT
	if _, _, err := w.Attach(by(t.Context(), 1), ipc.Handle{Handle: 9}); !errors.Is(err, abi.EDQUOT) {
		t.Error("no handle:", err)
	}
	w.fail = nil
	if len(w.sessions) != 1 || w.client.Fids() != 2 {
		t.Error("what didn't begin is there:", len(w.sessions), w.client.Fids())
	}
}

// TestLimits: sessions and files are bounded, and one badge's are not another's.
func TestLimits(t *testing.T) {
	w := newWorld(t)
	s := w.session
	var ctx context.Context
	for i := range MaxSessions {
		ctx, _ = w.attach(t, 1, abi.Handle(1+i))
	}
	if _, _, err := w.Attach(by(t.Context(), 1), ipc.Handle{Handle: 99}); !errors.Is(err, abi.EMFILE) {
		t.Error(err)
	}
	w.attach(t, 2, 100)
	for range MaxFiles {
		_, _, err := s.Open(ctx, Root, "sub", abi.O_RDONLY, 0)
		must(t, err)
	}
	if _, _, err := s.Open(ctx, Root, "sub", abi.O_RDONLY, 0); !errors.Is(err, abi.EMFILE) {
		t.Error(err)
	}
	must(t, s.Close(ctx, 500))
	if n, _, err := s.Open(ctx, Root, "sub", abi.O_RDONLY, 0); n != 500 || err != nil {
		t.Error(n, err)
	}
	w.ended[1]()
	w.attach(t, 1, 99)
}

// TestTogether: many calls at once on the same numbers, while sessions come and go: nothing is
// left over, and no call gets another file than its session's.
func TestTogether(t *testing.T) {
	w := newWorld(t)
	s := w.session
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for round := range 4 {
				process := abi.Handle(1 + i)
				ctx, _, err := w.tryAttach(t.Context(), 1, process)
				if err != nil {
					t.Error(err)
					return
				}
				name := fmt.Sprint("f", i)
				var inner sync.WaitGroup
				for range 3 {
					seed := r.Uint64()
					inner.Go(func() { w.usesFiles(t, ctx, name, rand.New(rand.NewPCG(seed, 2))) })
				}
				if round%2 == 0 {
					inner.Wait()
				}
				w.mu.Lock()
				end := w.ended[process]
				w.mu.Unlock()
				end()
				inner.Wait()
				if _, err := s.Stat(ctx, Root, ".", true); !errors.Is(err, abi.EBADF) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// usesFiles opens and closes a file and reads what is open, as any of several does.
func (w *world) usesFiles(t *testing.T, ctx context.Context, name string, r *rand.Rand) {
	s := w.session
	for range 60 {
		number := uint32(1 + r.IntN(5))
		var err error
		switch r.IntN(4) {
		case 0:
			if number, _, err = s.Open(ctx, Root, name, abi.O_RDWR|abi.O_CREAT, 0o600); err == nil {
				_, err = s.Write(ctx, number, 0, []byte(name))
			}
		case 1:
			err = s.Close(ctx, number)
		default:
			var got []byte
			if got, err = s.Read(ctx, number, 0, 100); err == nil && len(got) != 0 && string(got) != name {
				t.Errorf("%q, in the session of %q", got, name)
			}
		}
		if err != nil && !errors.Is(err, abi.EBADF) {
			t.Error(err)
		}
	}
}
