// SPDX-License-Identifier: Apache-2.0

package net

import (
	"encoding/binary"

	"loam/user/virtio"
)

// receiver is a receive queue (5.1.6.3): all of its buffers are with the device, but those of the
// frame that is being collected.
type receiver struct {
	queue  *virtio.Queue
	memory virtio.Memory
	size   int      // of a buffer
	byID   []uint16 // the buffer that an id is
	merge  bool
	most   int // buffers of a frame

	header [headerSize]byte // of the frame, read once
	pieces [maxPieces]piece
	have   int // pieces that have come,
	want   int // of so many; 0: no frame has begun
	total  int // bytes in them
}

// piece is a buffer with a part of a frame.
type piece struct {
	buffer uint16
	length int
}

func (r *receiver) open(d *virtio.Device, index int, o Options, a *virtio.Arena) (err error) {
	r.size, r.merge = o.Buffer, d.Has(featureMergeable)
	if r.queue, err = d.Queue(index, o.Receive, 0, a); err != nil {
		return err
	}
	r.most = 1
	if r.merge {
		r.most = min(o.pieces(), r.queue.Size())
	}
	r.byID = make([]uint16, r.queue.Size())
	r.memory, err = a.Cut(r.queue.Size() * r.size)
	return err
}

// fill gives the device all buffers.
func (r *receiver) fill() error {
	for i := range r.byID {
		if err := r.give(uint16(i)); err != nil {
			return err
		}
	}
	return nil
}

// give gives the device a buffer.
func (r *receiver) give(buffer uint16) error {
	room := [1]virtio.Element{r.memory.Element(int(buffer)*r.size, r.size)}
	id, err := r.queue.Add(nil, room[:])
	if err == nil {
		r.byID[id] = buffer
	}
	return err
}

// collect takes what has come of the next frame, and reports whether all of it is there.
func (r *receiver) collect() (ok bool, err error) {
	for r.want == 0 || r.have < r.want {
		u, ok, err := r.queue.Used()
		if err != nil || !ok {
			return false, err
		}
		p := piece{r.byID[u.ID], int(u.Length)}
		if r.want == 0 {
			if err := r.first(p); err != nil {
				return false, err
			}
		} else if p.length == 0 {
			return false, r.queue.Broken(0, 1)
		}
		r.pieces[r.have] = p
		r.have++
		r.total += p.length
	}
	return true, nil
}

// first reads the header.
func (r *receiver) first(p piece) error {
	if p.length < headerSize {
		return r.queue.Broken(uint64(p.length), headerSize)
	}
	copy(r.header[:], r.bytes(p))
	r.want = 1
	if r.merge { // else the field means nothing
		n := int(binary.LittleEndian.Uint16(r.header[atBuffers:]))
		if n == 0 || n > r.most {
			return r.queue.Broken(uint64(n), uint64(r.most))
		}
		r.want = n
	}
	return nil
}

func (r *receiver) bytes(p piece) []byte {
	return r.memory.Bytes()[int(p.buffer)*r.size:][:p.length]
}

// copy copies the frame without its header.
func (r *receiver) copy(head, rest []byte) (n int) {
	skip := headerSize
	for _, p := range r.pieces[:r.have] {
		b := r.bytes(p)[skip:]
		k := copy(head, b)
		head = head[k:]
		m := copy(rest, b[k:])
		rest = rest[m:]
		n += k + m
		skip = 0
	}
	return n
}

// done gives the frame's buffers back.
func (r *receiver) done() error {
	for _, p := range r.pieces[:r.have] {
		if err := r.give(p.buffer); err != nil {
			return err
		}
	}
	r.have, r.want, r.total = 0, 0, 0
	return nil
}
