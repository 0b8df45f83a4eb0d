// SPDX-License-Identifier: Apache-2.0

package streams_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"loam/internal/terminal"
	"loam/user/streams"
	"loam/user/streams/ring"
	"loam/user/streams/streamstest"
)

// TestStreams plays random pieces both ways: nothing is lost, doubled or out of order, and who found
// nothing, or no room, hears when that has changed.
func TestStreams(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		s, h := streamstest.New(t)
		in, out, got, sent := make([]byte, 300_000), make([]byte, 300_000), []byte{}, []byte{}
		for i := range in {
			in[i], out[i] = byte(r.Uint32()), byte(r.Uint32())
		}
		ready, room := true, true
		s.In.OnReady(func() { ready = true })
		s.Err.OnReady(func() { room = true })
		at, put, ended := 0, 0, false
		for !ended || len(sent) < len(out) {
			size := []int{1, 10, 4096, 70_000}[r.IntN(4)]
			switch r.IntN(4) {
			case 0:
				at += h.Send(in[at:min(len(in), at+size)], 1+r.IntN(5000))
				if at == len(in) {
					h.End()
				}
			case 1:
				sent = append(sent, h.Take(2, size)...)
			case 2:
				if !ready {
					continue
				}
				p := make([]byte, size)
				n, eof := s.In.TryRead(p)
				got = append(got, p[:n]...)
				ready, ended = n > 0 || eof, ended || eof
				if !ready && s.In.Ready() {
					t.Fatal("nothing to read, but ready")
				}
			case 3:
				if !room || put == len(out) {
					continue
				}
				n := s.Err.TryWrite(out[put:min(len(out), put+size)])
				room = n == min(size, len(out)-put)
				put += n
			}
		}
		if !bytes.Equal(got, in) || !bytes.Equal(sent, out) || s.Failure() != nil {
			t.Fatalf("seed %d: %d and %d bytes, %v", seed, len(got), len(sent), s.Failure())
		}
	}
}

// TestBlocking: reads and writes that wait, and their end.
func TestBlocking(t *testing.T) {
	s, h := streamstest.New(t)
	got := make(chan string)
	go func() {
		p := make([]byte, 100)
		n, err := s.In.Read(p)
		m, end := s.In.Read(p[n:])
		if err != nil || m != 0 || end != io.EOF {
			t.Error(err, m, end)
		}
		got <- string(p[:n])
	}()
	h.Send([]byte("hello"), 5)
	s.Wake()
	h.End()
	if g := <-got; g != "hello" {
		t.Errorf("%q", g)
	}
	size := ring.Stdout.Size()
	wrote := make(chan error)
	go func() {
		n, err := s.Out.Write(make([]byte, size+5))
		if n != size+5 {
			t.Error(n)
		}
		wrote <- err
	}()
	for n := 0; n < size+5; s.Wake() {
		n += len(h.Take(1, 1000))
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	go func() {
		_, err := s.Out.Write(make([]byte, size+5))
		wrote <- err
	}()
	s.Fail(streams.ErrEnded)
	if err := <-wrote; err != streams.ErrEnded {
		t.Error(err)
	}
	if n, eof := s.In.TryRead(make([]byte, 1)); n != 0 || !eof || s.Out.TryWrite(make([]byte, 9)) != 9 || !s.Out.Ready() || !s.In.Ready() {
		t.Error("what has failed is not over")
	}
}

// TestTerminal: facts, attributes and events.
func TestTerminal(t *testing.T) {
	s, h := streamstest.New(t)
	if m := h.Heard(); len(m) != 1 || m[0].Kind != terminal.Hello {
		t.Fatal(m)
	}
	ctx := context.Background()
	if _, err := s.Attributes(ctx, 0); err != syscall.ENOTTY {
		t.Error(err)
	}
	var events []streams.Event
	ready := make(chan bool)
	s.OnEvent(func(e streams.Event) {
		if e == streams.Suspend { // in a goroutine of its own, so that it may wait
			<-ready
		}
		events = append(events, e)
	})
	facts := terminal.Message{Kind: terminal.Facts, Terminal: [3]bool{true, false, true}, Size: streams.Size{Rows: 24, Columns: 80}}
	h.Tell(facts)
	h.Tell(facts)
	h.Tell(terminal.Message{Kind: terminal.Interrupt})
	h.Tell(terminal.Message{Kind: terminal.Suspend})
	if m := h.Heard(); len(m) > 0 {
		t.Error("suspended before it was ready:", m)
	}
	ready <- true
	for m := h.Heard(); ; m = h.Heard() {
		if len(m) == 1 && m[0].Kind == terminal.Suspended {
			break
		}
		if len(m) > 0 {
			t.Fatal(m)
		}
		runtime.Gosched()
	}
	h.Tell(terminal.Message{Kind: terminal.Resume})
	if !slices.Equal(events, []streams.Event{streams.Resized, streams.Interrupt, streams.Suspend, streams.Resume}) {
		t.Error(events)
	}
	if !s.Terminal(0) || s.Terminal(1) || !s.Terminal(2) || s.Terminal(3) || s.Terminal(-1) || s.Size() != facts.Size {
		t.Error(s.Size())
	}
	s.Out.TryWrite([]byte("12345"))
	type result struct {
		streams.Termios
		error
	}
	got := make(chan result)
	set := func(ctx context.Context) {
		a, err := s.SetAttributes(ctx, 2, streams.Drained, streams.Termios{Local: 5})
		got <- result{a, err}
	}
	await := func() terminal.Message {
		for {
			if m := h.Heard(); len(m) > 0 {
				return m[0]
			}
		}
	}
	go set(ctx)
	m := await()
	if m.Kind != terminal.Set || m.Written != [2]uint32{5, 0} || m.Stream != 2 || m.When != streams.Drained || m.Termios.Local != 5 {
		t.Errorf("%+v", m)
	}
	h.Tell(terminal.Message{Kind: terminal.Attributes, Number: m.Number + 1, Errno: 1}) // of nobody
	h.Tell(terminal.Message{Kind: terminal.Attributes, Number: m.Number, Termios: streams.Termios{Local: 6}})
	if r := <-got; r.error != nil || r.Local != 6 {
		t.Error(r)
	}
	go set(ctx)
	m = await()
	h.Tell(terminal.Message{Kind: terminal.Attributes, Number: m.Number, Errno: uint32(syscall.EIO)})
	if r := <-got; r.error != syscall.EIO {
		t.Error(r)
	}
	cancelled, cancel := context.WithCancel(ctx)
	go set(cancelled)
	await()
	cancel()
	if r := <-got; !errors.Is(r.error, context.Canceled) {
		t.Error(r)
	}
	go set(ctx)
	await()
	s.Fail(streams.ErrEnded)
	if r := <-got; r.error != streams.ErrEnded {
		t.Error(r)
	}
}
