// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"loam/abi/channel"
	"loam/abi/channel/ringtest"
)

func ringFile(t testing.TB) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "ring"))
	if err == nil {
		t.Cleanup(func() { f.Close() })
		err = f.Truncate(channel.RingSize)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRingOut sends payloads of random lengths, in the ring and not, by two
// goroutines that wait for each other through the ring alone.
func TestRingOut(t *testing.T) {
	f := ringFile(t)
	out, in := io.Pipe()
	g := &ringtest.Guest{Area: f, Out: in}
	const frames = 2000
	payload := func(i int) []byte {
		r := rand.New(rand.NewPCG(1, uint64(i)))
		return bytes.Repeat([]byte{byte(i), byte(i >> 8), 7}, 1+int(r.ExpFloat64()*3000)%20000)
	}
	go func() {
		for i := range frames {
			p, w := payload(i), NewWriter(in)
			if i%7 == 3 {
				_ = w.Write(channel.Stderr, p)
			} else if err := g.Write(channel.Stdout, p); err != nil {
				in.CloseWithError(err)
			}
		}
		in.Close()
	}()
	r := NewReader(out, channel.ToHost)
	r.Use(NewRing(f))
	for i := range frames {
		m, err := r.Next()
		if err != nil || !bytes.Equal(m.Payload, payload(i)) || (m.Type == channel.Stderr) != (i%7 == 3) {
			t.Fatalf("frame %d: type %d, %d bytes, %v", i, m.Type, len(m.Payload), err)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Fatal(err)
	}
}

// TestRingIn fills the ring, finds it full, and gets through what the guest
// takes out.
func TestRingIn(t *testing.T) {
	f := ringFile(t)
	var wire bytes.Buffer
	g := &ringtest.Guest{Area: f}
	w := NewWriter(&wire)
	w.Use(NewRing(f))
	r := rand.New(rand.NewPCG(2, 3))
	var sent, got []byte
	for i := range 3000 {
		room, err := w.Room()
		if err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 1+r.IntN(min(20000, channel.MaxPayload)))
		for k := range p {
			p[k] = byte(r.Uint32())
		}
		err = w.Write(channel.Stdin, p)
		switch {
		case len(p) <= room && err != nil, len(p) > room && !errors.Is(err, ErrFull):
			t.Fatalf("%d: %d bytes into room of %d: %v", i, len(p), room, err)
		case err == nil:
			sent = append(sent, p...)
		}
		for wire.Len() > 0 && (err != nil || r.IntN(3) == 0) {
			h := wire.Next(channel.HeaderSize)
			b, err := g.Read(int(h[1]) | int(h[2])<<8)
			if err != nil || h[0] != byte(channel.Stdin|channel.InRing) {
				t.Fatalf("header % x: %v", h, err)
			}
			got = append(got, b...)
		}
	}
	if !bytes.HasPrefix(sent, got) || len(got) < 1<<20 {
		t.Fatalf("%d bytes sent, other %d came", len(sent), len(got))
	}
	if room, _ := w.Room(); room > channel.MaxPayload {
		t.Fatalf("room of %d", room)
	}
	wire.Reset()
	if err := w.Write(channel.StdinEOF, nil); err != nil || !bytes.Equal(wire.Bytes(), []byte{2, 0, 0, 0}) {
		t.Fatalf("% x, %v", wire.Bytes(), err)
	}
}

// roomFor is the room in bytes beside filled slots.
func roomFor(filled uint8) int {
	return min(max(channel.InSlots-int(filled), 0)*channel.SlotSize, channel.MaxPayload)
}

// TestRingLies: a count that can't be means no room, whatever it is.
func TestRingLies(t *testing.T) {
	f := ringFile(t)
	var wire bytes.Buffer
	g := &ringtest.Guest{Area: f}
	w := NewWriter(&wire)
	w.Use(NewRing(f))
	if err := w.Write(channel.Stdin, make([]byte, 3*channel.SlotSize)); err != nil {
		t.Fatal(err)
	}
	for lie := range 256 {
		_ = g.Tell(uint8(lie))
		want := roomFor(uint8(3 - lie))
		room, err := w.Room()
		if err != nil || room != want {
			t.Fatalf("%d taken of 3: room of %d, want %d, %v", lie, room, want, err)
		}
		if err := w.Write(channel.Stdin, make([]byte, room+1)); !errors.Is(err, ErrFull) && !errors.Is(err, ErrTooLong) {
			t.Fatalf("%d taken of 3: %v", lie, err)
		}
	}
}

// TestRingCut: a ring that is cut short under the host is an error.
func TestRingCut(t *testing.T) {
	f := ringFile(t)
	_ = f.Truncate(channel.SlotSize)
	r := NewReader(bytes.NewReader([]byte{0x82, 1, 0, 0}), channel.ToHost)
	r.Use(NewRing(f))
	for range 2 {
		if _, err := r.Next(); err == nil {
			t.Fatal("no error")
		}
	}
	_ = f.Truncate(0)
	w := NewWriter(io.Discard)
	w.Use(NewRing(f))
	if _, err := w.Room(); err == nil {
		t.Fatal("no error")
	}
	if err := w.Write(channel.Stdin, []byte{1}); err == nil {
		t.Fatal("no error")
	}
}

// memory is an area without a file, for speed.
type memory []byte

func (m memory) ReadAt(p []byte, at int64) (int, error)  { return copy(p, m[at:]), nil }
func (m memory) WriteAt(p []byte, at int64) (int, error) { return copy(m[at:], p), nil }

// FuzzRing has a guest send anything; the host's memory and accesses stay
// within bounds.
func FuzzRing(f *testing.F) {
	f.Add([]byte{0x82, 0, 0, 1, 0x83, 1, 0, 0, 7, 0, 0, 0, 2, 1, 0, 0, 'x'}, byte(7))
	f.Fuzz(func(t *testing.T, s []byte, taken byte) {
		shared := make(memory, channel.RingSize)
		ring := NewRing(shared)
		r := NewReader(bytes.NewReader(s), channel.ToHost)
		r.Use(ring)
		body := cap(r.body)
		for {
			m, err := r.Next()
			if err != nil {
				break
			}
			if len(m.Payload) > channel.MaxPayload || cap(r.body) != body {
				t.Fatal("the buffer grew")
			}
		}
		shared[channel.InTaken] = taken
		w := NewWriter(io.Discard)
		w.Use(ring)
		if n, err := w.Room(); err != nil || n != roomFor(-taken) {
			t.Fatalf("room of %d with %d taken of 0: %v", n, taken, err)
		}
		for i, b := range shared {
			if b != 0 && i != channel.OutTaken && i != channel.InTaken {
				t.Fatalf("the host wrote to byte %d", i)
			}
		}
	})
}
