// SPDX-License-Identifier: Apache-2.0

// Package stream reads and writes whole frames of the host channel over
// io.Reader and io.Writer, for programs on a host. The codec and the protocol
// are package abi/channel; this one is apart so that the codec imports nothing.
//
// A Reader holds one buffer of a fixed size whatever its peer sends. It reads
// only when asked, so a consumer that does not call Next stops reading, the
// socket fills, and the peer waits: that is all the flow control there is.
package stream

import (
	"errors"
	"io"

	"loam/abi/channel"
)

// Frame is one frame. Payload belongs to the Reader and is valid until its
// next call.
type Frame struct {
	Type    channel.Type
	Payload []byte
}

// Reader reads the frames of one direction from r.
type Reader struct {
	r      io.Reader
	ring   *Ring // nil: none
	p      channel.Parser
	in     []byte // what is read and not yet parsed: in[lo:hi]
	lo, hi int
	body   []byte // payload of the frame being assembled
	err    error
}

// NewReader returns a Reader of frames that go in direction d.
func NewReader(r io.Reader, d channel.Direction) *Reader {
	return &Reader{
		r:    r,
		p:    channel.Parser{For: d},
		in:   make([]byte, 64<<10),
		body: make([]byte, 0, channel.MaxPayload),
	}
}

// Use has the reader, one of frames to the host, take payloads from a ring. It
// must stand between two frames.
func (r *Reader) Use(ring *Ring) { r.ring, r.p.Ring = ring, true }

// Next returns the next frame. The error is io.EOF if the stream ended between
// two frames, a channel.Fault if the peer broke the protocol (Truncated if the
// stream ended inside a frame), or the underlying reader's; it stays.
func (r *Reader) Next() (Frame, error) {
	if r.err != nil {
		return Frame{}, r.err
	}
	r.body = r.body[:0]
	for {
		if r.lo == r.hi {
			if r.err = r.fill(); r.err != nil {
				return Frame{}, r.err
			}
		}
		e, data, n := r.p.Next(r.in[r.lo:r.hi])
		r.lo += n
		if f := r.p.Fault(); f != 0 {
			r.err = f
			return Frame{}, r.err
		}
		// Within capacity always: the parser admits no payload over MaxPayload.
		r.body = append(r.body, data...)
		if e&channel.End != 0 {
			if r.p.InRing() {
				r.body = r.body[:r.p.Length()]
				if r.err = r.ring.take(r.body); r.err != nil {
					return Frame{}, r.err
				}
			}
			return Frame{Type: r.p.Type(), Payload: r.body}, nil
		}
	}
}

// fill reads what there is. Readers may return (0, nil) now and then.
func (r *Reader) fill() error {
	for range 100 {
		n, err := r.r.Read(r.in)
		if n > 0 {
			r.lo, r.hi = 0, n
			return nil // an error with it shows again at the next Read
		}
		if errors.Is(err, io.EOF) {
			if r.p.Idle() {
				return io.EOF
			}
			return channel.Truncated
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// ErrTooLong is returned by Writer for a payload over channel.MaxPayload.
var ErrTooLong = errors.New("host channel: payload too long to send")

// ErrFull is returned by Writer when the ring has no room.
var ErrFull = errors.New("host channel: no room in the ring")

// Writer writes frames to w, each with one Write.
type Writer struct {
	w    io.Writer
	ring *Ring // nil: none
	buf  []byte
}

// NewWriter returns a Writer to w. It is not safe for concurrent use.
func NewWriter(w io.Writer) *Writer {
	return &Writer{w: w, buf: make([]byte, 0, 4096)}
}

// Use has the writer, one of frames to the guest, put payloads into a ring.
func (w *Writer) Use(ring *Ring) { w.ring = ring }

// Room returns how many bytes of payload Write takes now. Without a ring that
// is what it takes ever: then Write waits for room.
func (w *Writer) Room() (int, error) {
	if w.ring == nil {
		return channel.MaxPayload, nil
	}
	n, err := w.ring.free()
	return min(n*channel.SlotSize, channel.MaxPayload), err
}

// Write sends one frame.
func (w *Writer) Write(t channel.Type, payload []byte) error {
	n := len(payload)
	if w.ring != nil && n > 0 {
		room, err := w.Room()
		switch {
		case err != nil:
			return err
		case n > room:
			return ErrFull
		}
		if err := w.ring.fill(payload); err != nil {
			return err
		}
		t, payload = t|channel.InRing, nil
	}
	var h [channel.HeaderSize]byte
	if !channel.PutHeader(&h, t, n) {
		return ErrTooLong
	}
	w.buf = append(append(w.buf[:0], h[:]...), payload...)
	_, err := w.w.Write(w.buf)
	return err
}
