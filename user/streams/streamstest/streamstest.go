// SPDX-License-Identifier: Apache-2.0

// Package streamstest is the other side of package streams, for tests: a host that does what
// the test says, and nothing else.
package streamstest

import (
	"testing"

	"loam/internal/terminal"
	"loam/user/streams"
	"loam/user/streams/ring"
)

// Host is driver and host in one. It belongs to one goroutine at a time.
type Host struct {
	t      testing.TB
	s      *streams.Streams
	mem    []byte
	out    [3]*ring.Drain
	in     [2]*ring.Fill
	gone   [3]uint32
	filled [2]uint32
	sent   [2]uint32
}

var (
	outputs = [3]ring.Ring{ring.Stdout, ring.Stderr, ring.ControlOut}
	inputs  = [2]ring.Ring{ring.Stdin, ring.ControlIn}
)

// New gives streams and their host. The streams are no terminals.
func New(t testing.TB) (*streams.Streams, *Host) {
	h := &Host{t: t, mem: make([]byte, ring.Size)}
	for i, r := range outputs {
		h.out[i] = ring.NewDrain(h.mem, r)
	}
	for i, r := range inputs {
		h.in[i] = ring.NewFill(h.mem, r)
	}
	h.s = streams.New(h.mem, func() {})
	h.Tell(terminal.Message{Kind: terminal.Facts})
	return h.s, h
}

// Memory gives the rings.
func (h *Host) Memory() []byte { return h.mem }

// Take takes what the program has written to stream 1 or 2, at most n bytes.
func (h *Host) Take(stream, n int) []byte {
	h.t.Helper()
	return h.take(stream-1, n)
}

func (h *Host) take(i, most int) []byte {
	h.t.Helper()
	n, err := h.out[i].Pending(h.gone[i], h.gone[i])
	if err != nil {
		h.t.Fatal(err)
	}
	n = min(n, uint32(most))
	r := outputs[i]
	data := h.mem[r.Offset():][:r.Size()]
	b := make([]byte, n)
	for k := range b {
		b[k] = data[int(h.gone[i]+uint32(k))%r.Size()]
	}
	h.gone[i] += n
	h.out[i].SetGone(h.gone[i])
	if n > 0 && h.out[i].Wanted() {
		h.s.Wake()
	}
	return b
}

// Send sends bytes to stdin, as much as there is room for, in pieces of at most most bytes.
func (h *Host) Send(b []byte, most int) (n int) {
	h.t.Helper()
	return h.send(0, b, most)
}

func (h *Host) send(i int, b []byte, most int) (n int) {
	h.t.Helper()
	held, err := h.in[i].Held(h.filled[i])
	if err != nil {
		h.t.Fatal(err)
	}
	r := inputs[i]
	for ; n < len(b) && held < uint32(r.Slots()); held++ {
		slot := int(h.filled[i]) % r.Slots()
		k := copy(h.mem[r.Offset()+slot*ring.SlotSize:][:min(ring.SlotSize, most)], b[n:])
		h.in[i].Describe(h.filled[i], uint32(k), h.sent[i])
		n, h.sent[i] = n+k, h.sent[i]+uint32(k)
		h.filled[i]++
		h.in[i].SetFilled(h.filled[i])
	}
	if n > 0 && h.in[i].Wanted() {
		h.s.Wake()
	}
	return n
}

// End ends stdin behind what was sent.
func (h *Host) End() {
	h.t.Helper()
	h.Tell(terminal.Message{Kind: terminal.StdinEnd, Total: h.sent[0]})
}

// Tell sends a message, and has it looked at.
func (h *Host) Tell(m terminal.Message) {
	h.t.Helper()
	var b [terminal.MessageSize]byte
	m.Put(&b)
	if n := h.send(1, b[:], len(b)); n != len(b) {
		h.t.Fatal("no room for a message")
	}
	h.s.Wake()
}

// Heard gives the messages that the program's side has sent.
func (h *Host) Heard() (all []terminal.Message) {
	h.t.Helper()
	for {
		var b [terminal.MessageSize]byte
		if copy(b[:], h.take(2, len(b))) == 0 {
			return all
		}
		m, err := terminal.Parse(&b, false)
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, m)
	}
}
