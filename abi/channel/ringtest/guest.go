// SPDX-License-Identifier: Apache-2.0

// Package ringtest plays the guest's side of the host channel's ring, for
// tests of the host's side.
package ringtest

import (
	"io"

	"loam/abi/channel"
)

// Area is the memory that both sides share.
type Area interface {
	io.ReaderAt
	io.WriterAt
}

// Guest is the guest's side. Its fields may be changed by a test that lies.
type Guest struct {
	Area   Area
	Out    io.Writer // the debug port
	Filled uint8     // slots filled for the host
	Taken  uint8     // slots taken out of those from the host
}

// Write sends p as one frame whose payload is in the ring, waiting for room.
func (g *Guest) Write(t channel.Type, p []byte) error {
	var taken [1]byte
	for {
		if _, err := g.Area.ReadAt(taken[:], channel.OutTaken); err != nil {
			return err
		}
		if channel.Free(g.Filled, taken[0], channel.OutSlots) >= channel.Slots(len(p)) {
			break
		}
	}
	for rest := p; len(rest) > 0; {
		at, size := channel.OutSlot(g.Filled)
		n, err := g.Area.WriteAt(rest[:min(size, len(rest))], int64(at))
		if err != nil {
			return err
		}
		rest = rest[n:]
		g.Filled += uint8(channel.Slots(n))
	}
	return g.Header(t|channel.InRing, len(p))
}

// Header sends a header alone.
func (g *Guest) Header(t channel.Type, n int) error {
	_, err := g.Out.Write([]byte{byte(t), byte(n), byte(n >> 8), byte(n >> 16)})
	return err
}

// Read takes the next payload, of n bytes, out.
func (g *Guest) Read(n int) ([]byte, error) {
	p := make([]byte, n)
	for rest := p; len(rest) > 0; {
		at, size := channel.InSlot(g.Taken)
		n, err := g.Area.ReadAt(rest[:min(size, len(rest))], int64(at))
		if err != nil {
			return nil, err
		}
		rest = rest[n:]
		g.Taken += uint8(channel.Slots(n))
	}
	return p, g.Tell(g.Taken)
}

// Tell says how many slots have been taken out.
func (g *Guest) Tell(taken uint8) error {
	_, err := g.Area.WriteAt([]byte{taken}, channel.InTaken)
	return err
}
