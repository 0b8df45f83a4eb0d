// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"errors"
	"io"

	"loam/abi/channel"
)

// Ring is the host's side of the ring (package channel): a file that is also
// the guest's memory. It is reached by reads and writes and not mapped: what
// is copied out has been copied once, a file cut short is an error and not a
// signal, and the system calls order the accesses.
//
// A Reader and a Writer may use one at the same time.
type Ring struct {
	area area

	taken  uint8 // slots taken out, of those that the guest fills
	filled uint8 // slots filled, of those for the guest
}

// ErrCut is returned for a ring whose file has become too short.
var ErrCut = errors.New("host channel: the shared memory was cut short")

type area interface {
	io.ReaderAt
	io.WriterAt
}

// NewRing returns the ring in a file of channel.RingSize bytes or more.
func NewRing(file interface {
	io.ReaderAt
	io.WriterAt
}) *Ring {
	return &Ring{area: file}
}

// take copies the next payload to p, whose length a Parser has checked, and
// gives its slots back.
func (r *Ring) take(p []byte) error {
	for len(p) > 0 {
		at, size := channel.OutSlot(r.taken)
		n, err := r.read(p[:min(len(p), size)], at)
		if err != nil {
			return err
		}
		p = p[n:]
		r.taken += uint8(channel.Slots(n))
	}
	_, err := r.area.WriteAt([]byte{r.taken}, channel.OutTaken)
	return err
}

// read reads all of p. The end of the file is not the end of the guest.
func (r *Ring) read(p []byte, at int) (int, error) {
	n, err := r.area.ReadAt(p, int64(at))
	if errors.Is(err, io.EOF) {
		err = ErrCut
	}
	return n, err
}

// free returns the number of slots that can be filled for the guest.
func (r *Ring) free() (int, error) {
	var taken [1]byte
	if _, err := r.read(taken[:], channel.InTaken); err != nil {
		return 0, err
	}
	return channel.Free(r.filled, taken[0], channel.InSlots), nil
}

// fill puts p into the next slots.
func (r *Ring) fill(p []byte) error {
	for len(p) > 0 {
		at, size := channel.InSlot(r.filled)
		n, err := r.area.WriteAt(p[:min(len(p), size)], int64(at))
		if err != nil {
			return err
		}
		p = p[n:]
		r.filled += uint8(channel.Slots(n))
	}
	return nil
}
