// SPDX-License-Identifier: Apache-2.0

package ipc_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/ipc/ipctest"
	"loam/user/object"
)

// serving is a server that runs over a model.
type serving struct {
	*ipctest.EverythingClient
	k      *ipc.Model
	impl   *ipctest.Server
	server *ipc.Server
	ended  chan error
}

// serve starts one.
func serve(t *testing.T, change func(*ipc.Server)) *serving {
	t.Helper()
	s := &serving{k: ipc.UseModel(t), impl: new(ipctest.Server), ended: make(chan error, 1)}
	e, err := ipc.NewEndpoint()
	if err != nil {
		t.Fatal(err)
	}
	c, err := e.Mint(77)
	if err != nil {
		t.Fatal(err)
	}
	s.server = &ipc.Server{Endpoint: e, Service: ipctest.EverythingService(s.impl)}
	if change != nil {
		change(s.server)
	}
	s.EverythingClient = ipctest.NewEverythingClient(c)
	go func() { s.ended <- s.server.Serve(t.Context()) }()
	t.Cleanup(func() {
		s.server.Shutdown()
		select {
		case err := <-s.ended:
			if err != nil {
				t.Errorf("the server ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the server doesn't end")
		}
	})
	return s
}

// all are the ways in which a server can handle requests.
func all(t *testing.T, f func(t *testing.T, s *serving)) {
	methods := ipctest.EverythingService(nil).Methods
	for name, change := range map[string]func(*ipc.Server){
		"one":   nil,
		"three": func(s *ipc.Server) { s.Receivers = 3 },
		"async": func(s *ipc.Server) { s.Async = methods },
	} {
		t.Run(name, func(t *testing.T) { f(t, serve(t, change)) })
	}
}

func TestCalls(t *testing.T) {
	all(t, func(t *testing.T, s *serving) {
		if err := s.Try(context.Background()); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := s.Try(ctx); err != nil {
			t.Error(err)
		}
	})
}

// Try makes calls of every kind.
func (s *serving) Try(ctx context.Context) error {
	return ipctest.Try(ctx, s.EverythingClient, 77)
}

func TestErrors(t *testing.T) {
	all(t, func(t *testing.T, s *serving) {
		if err := ipctest.TryErrors(t.Context(), s.EverythingClient); err != nil {
			t.Error(err)
		}
	})
}

func TestHandles(t *testing.T) {
	s := serve(t, nil)
	before := s.k.Left()
	if _, _, err := s.Swap(t.Context(), ipc.Move(s.k.NewHandle(), 3), 10); !errors.Is(err, ipctest.ErrNamed) {
		t.Fatal(err)
	}
	for i := range 10 {
		h, key, err := s.Swap(t.Context(), ipc.Move(s.k.NewHandle(), 3), uint64(11+i))
		if err != nil || key != uint64(10+i) || h.Handle == 0 {
			t.Fatal(h, key, err)
		}
		if err := ipc.Endpoint(h.Handle).Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Swap(t.Context(), ipc.Copy(1, 3), 0); err != syscall.EBADF {
		t.Errorf("a handle that isn't one: %v", err)
	}
	if n := s.k.Left(); n != before+1 {
		t.Errorf("%d handles, before %d", n, before)
	}
}

// TestMalformed: what isn't a request is an error for its sender, and nothing else;
// handles that came with it are closed.
func TestMalformed(t *testing.T) {
	s := serve(t, nil)
	id := ipctest.EverythingService(nil).ID
	left := s.k.Left()
	for name, m := range map[string]ipc.Message{
		"service":      {Words: [8]uint64{ipc.Words(id+1, 1)}},
		"method 0":     {Words: [8]uint64{ipc.Words(id, 0)}},
		"method":       {Words: [8]uint64{ipc.Words(id, 200)}},
		"unused":       {Words: [8]uint64{ipc.Words(id, 1) | 1<<20}},
		"form":         {Words: [8]uint64{ipc.Bytes(id, 1)}},
		"two forms":    {Words: [8]uint64{ipc.Words(id, 1) | 1<<14}},
		"inline":       {Words: [8]uint64{ipc.Bytes(id, 3) | 60<<8}},
		"no buffer":    {Words: [8]uint64{ipc.Bytes(id, 3) | 1<<14, 100}},
		"half a count": {Words: [8]uint64{ipc.Bytes(id, 3) | 2<<8, 100}},
		"count":        {Words: [8]uint64{ipc.Bytes(id, 3) | 4<<8, 100}},
		"more":         {Words: [8]uint64{ipc.Bytes(id, 3) | 5<<8, 0}},
		"number":       {Words: [8]uint64{ipc.Words(id, 13), 128, 1, 1, 1, 1, 1}},
		"bool":         {Words: [8]uint64{ipc.Words(id, 13), 1, 1, 2, 1, 1, 1}},
	} {
		var e syscall.Errno
		if err := s.Client.Call(t.Context(), &m); !errors.As(err, &e) || e != ipc.ErrMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := ipc.NewBuffer()
	b.PutHandle(ipc.Move(s.k.NewHandle(), 3))
	b.PutUint8(1)
	if err := s.Client.Exchange(t.Context(), ipc.Bytes(id, 11), b, 0, 0); err != ipc.ErrMalformed {
		t.Error(err)
	}
	b = ipc.NewBuffer()
	b.PutHandle(ipc.Move(s.k.NewHandle(), 3))
	if err := s.Client.Exchange(t.Context(), ipc.Words(id, 8), b, 0, 0); err != ipc.ErrMalformed {
		t.Error(err)
	}
	if n := s.k.Left(); n != left {
		t.Errorf("%d handles, before %d", n, left)
	}
	if err := s.Null(t.Context()); err != nil {
		t.Fatal("the server is no more:", err)
	}
}

func TestTooLong(t *testing.T) {
	s := serve(t, nil)
	most := strings.Repeat("x", abi.MaxMessageBytes-8)
	if got, err := s.Text(t.Context(), most); err != nil || got != most {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := s.Text(t.Context(), most+"y"); err != syscall.EMSGSIZE {
		t.Error(err)
	}
	for n := range 70 {
		p := bytes.Repeat([]byte{1}, n)
		if got, err := s.Blob(t.Context(), p); err != nil || !bytes.Equal(p, got) {
			t.Errorf("%d bytes: %d bytes, %v", n, len(got), err)
		}
	}
}

// TestCancel: the request's context is cancelled when the client's is, and its answer is the
// client's.
func TestCancel(t *testing.T) {
	all(t, func(t *testing.T, s *serving) {
		if t.Name() == "TestCancel/one" {
			t.Skip("nobody receives while the request is handled")
		}
		if err := ipctest.TryCancel(s.EverythingClient, func() int64 { return s.impl.Slept.Load() }); err != nil {
			t.Error(err)
		}
		if n := s.impl.Cancelled.Load(); n != 3 {
			t.Errorf("%d requests were cancelled, want 3", n)
		}
	})
}

// TestCancelQueued: a call that waits to be received ends at once.
func TestCancelQueued(t *testing.T) {
	s := serve(t, nil)
	var done sync.WaitGroup
	done.Go(func() {
		if err := s.Patient(context.Background(), 300*time.Millisecond); err != nil {
			t.Error(err)
		}
	})
	for s.impl.Slept.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	begin := time.Now()
	if err := s.Null(ctx); err != context.Canceled || time.Since(begin) > 200*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := s.Text(ctx, "x"); err != context.DeadlineExceeded {
		t.Error(err)
	}
	done.Wait()
}

func TestDeath(t *testing.T) {
	s := serve(t, func(s *ipc.Server) { s.Receivers = 2 })
	go func() {
		for s.impl.Slept.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		s.k.Kill()
	}()
	if err := s.Patient(t.Context(), 300*time.Millisecond); err != syscall.ECONNRESET {
		t.Error(err)
	}
	if err := s.Null(t.Context()); err != syscall.ECONNREFUSED {
		t.Error(err)
	}
}

func TestBits(t *testing.T) {
	k := ipc.UseModel(t)
	h, signal := k.NewNotification()
	e, _ := ipc.NewEndpoint()
	got := make(chan uint64)
	s := ipc.Server{Endpoint: e, Service: ipctest.EverythingService(new(ipctest.Server)),
		Notification: object.Notification(h), OnBits: func(bits uint64) { got <- bits }}
	ended := make(chan error)
	go func() { ended <- s.Serve(t.Context()) }()
	for _, bits := range []uint64{1, 6} {
		signal(bits)
		if b := <-got; b != bits {
			t.Errorf("bits %d, want %d", b, bits)
		}
	}
	if err := e.Close(); err != nil { // the last handle to receive by
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestShutdown: what is being handled is answered, what isn't received stays.
func TestShutdown(t *testing.T) {
	all(t, func(t *testing.T, s *serving) {
		answered := make(chan error, 1)
		go func() { answered <- s.Patient(context.Background(), 100*time.Millisecond) }()
		for s.impl.Slept.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		s.server.Shutdown()
		err := <-s.ended
		s.ended <- err
		select {
		case err := <-answered:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Second):
			t.Error("no answer")
		}
	})
}

// TestMany has many clients and checks that answers go to those who asked.
func TestMany(t *testing.T) {
	all(t, func(t *testing.T, s *serving) {
		var clients sync.WaitGroup
		for i := range 8 {
			clients.Go(func() {
				for j := range 100 {
					a, b := int64(i)<<40, int64(j)
					if sum, err := s.Add(context.Background(), a, b); err != nil || sum != a+b {
						t.Errorf("%d %v", sum, err)
					}
					list := ipctest.NewItems(j % 5)
					if got, n, err := s.Items(t.Context(), list, [][]uint32{nil, {1, 2}}); err != nil || n != 2 || len(got) != len(list) {
						t.Errorf("%v %v", got, err)
					}
				}
			})
		}
		for range 5 {
			runtime.GC()
		}
		clients.Wait()
	})
}

// TestWrongServers: what cannot serve says so.
func TestWrongServers(t *testing.T) {
	ipc.UseModel(t)
	e, _ := ipc.NewEndpoint()
	if err := (&ipc.Server{Endpoint: e}).Serve(t.Context()); err == nil {
		t.Error("served without a handler")
	}
	v := ipctest.EverythingService(new(ipctest.Server))
	if err := (&ipc.Server{Endpoint: e, Service: v, Async: []string{"Nothing"}}).Serve(t.Context()); err == nil {
		t.Error("served a method that isn't there")
	}
	if err := (&ipc.Server{Endpoint: 5, Service: v}).Serve(t.Context()); err != syscall.EBADF {
		t.Error(err)
	}
}

// TestGap: bytes of some length lie at a multiple of 8 behind what doesn't, and what is
// between has to be 0.
func TestGap(t *testing.T) {
	s := serve(t, nil)
	id := ipctest.EverythingService(nil).ID
	method := uint8(slices.Index(ipctest.EverythingService(nil).Methods, "Blob") + 1)
	for _, c := range []struct {
		fill byte
		want error
	}{{0, nil}, {1, ipc.ErrMalformed}} {
		b := ipc.NewBuffer()
		b.PutCount(100)
		for range 4 {
			b.PutUint8(c.fill)
		}
		_ = append(b.Put(100)[:0], make([]byte, 100)...)
		if err := s.Client.Exchange(t.Context(), ipc.Bytes(id, method), b, 1000, 0); err != c.want {
			t.Errorf("a gap of %d: %v", c.fill, err)
		}
	}
}
