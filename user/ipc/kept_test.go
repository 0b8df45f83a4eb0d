// SPDX-License-Identifier: Apache-2.0

package ipc_test

import (
	"context"
	"syscall"
	"testing"

	"loam/user/ipc"
	"loam/user/ipc/ipctest"
)

// keeper is an Everything that answers some calls later.
type keeper struct {
	ipctest.Server
	kept chan keptCall
}

type keptCall struct {
	ipc.Kept
	a, b int64
}

func (k *keeper) Add(ctx context.Context, a, b int64) (int64, error) {
	k.kept <- keptCall{ipc.Keep(ctx), a, b}
	return 0, ipc.ErrKept
}

func (k *keeper) Null(ctx context.Context) error {
	type key struct{}
	k.kept <- keptCall{Kept: ipc.Keep(context.WithValue(ctx, key{}, 1))}
	return ipc.ErrKept
}

// TestKept: calls that are answered later, in any order, while others are handled.
func TestKept(t *testing.T) {
	const n = 20
	for name, change := range map[string]func(*ipc.Server){
		"one":   func(*ipc.Server) {},
		"three": func(s *ipc.Server) { s.Receivers = 3 },
		"async": func(s *ipc.Server) { s.Async = []string{"Add"} },
	} {
		t.Run(name, func(t *testing.T) {
			impl := &keeper{kept: make(chan keptCall, n)}
			s := serve(t, func(s *ipc.Server) {
				s.Service = ipctest.EverythingService(impl)
				change(s)
			})
			errs := make(chan error, n)
			for i := range n {
				go func() {
					sum, err := s.Add(t.Context(), int64(i), 1000)
					switch {
					case i%2 == 1 && err != syscall.EXDEV, i%2 == 0 && (err != nil || sum != int64(1000+i)):
						t.Errorf("%d: %d, %v", i, sum, err)
					}
					errs <- err
				}()
			}
			var all []keptCall
			for len(all) < n {
				all = append(all, <-impl.kept)
				if text, err := s.Text(t.Context(), "x"); err != nil || text == "" { // it goes on
					t.Error(text, err)
				}
			}
			select {
			case err := <-errs:
				t.Errorf("a call that wasn't answered ended: %v", err)
			default:
			}
			for len(all) > 0 {
				k := all[len(all)-1]
				all = all[:len(all)-1]
				if k.a%2 == 1 {
					k.Fail(syscall.EXDEV)
				} else {
					k.Done(uint64(k.a + k.b))
				}
				k.Done(1) // is too late, and nobody's
			}
			for range n {
				<-errs
			}
			done := make(chan error)
			go func() { done <- s.Null(t.Context()) }()
			(<-impl.kept).Done()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
