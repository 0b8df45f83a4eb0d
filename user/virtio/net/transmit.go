// SPDX-License-Identifier: Apache-2.0

package net

import "loam/user/virtio"

// transmitter is a transmit queue (5.1.6.2). A frame takes as many of its buffers as it fills.
type transmitter struct {
	queue    *virtio.Queue
	memory   virtio.Memory
	size     int      // of a buffer
	free     []uint16 // buffers
	next     []uint16 // by buffer: the next one of its frame, or itself
	first    []uint16 // by id: the frame's first
	blocked  bool     // somebody found no room
	elements [maxPieces]virtio.Element
}

func (t *transmitter) open(d *virtio.Device, index int, o Options, a *virtio.Arena) (err error) {
	t.size = o.Buffer
	if t.queue, err = d.Queue(index, o.Transmit, o.pieces(), a); err != nil {
		return err
	}
	n := t.queue.Size()
	t.next, t.first, t.free = make([]uint16, n), make([]uint16, n), make([]uint16, 0, n)
	for i := n - 1; i >= 0; i-- {
		t.free = append(t.free, uint16(i))
	}
	t.memory, err = a.Cut(n * t.size)
	return err
}

// reclaim takes back what the device has sent.
func (t *transmitter) reclaim() error {
	for range t.queue.Size() {
		u, ok, err := t.queue.Used()
		if err != nil || !ok {
			return err
		}
		t.release(t.first[u.ID])
	}
	return nil
}

// release makes a frame's buffers free.
func (t *transmitter) release(b uint16) {
	for {
		t.free = append(t.free, b)
		if t.next[b] == b {
			return
		}
		b = t.next[b]
	}
}

// send adds a frame of length bytes.
func (t *transmitter) send(o *Offload, length int, parts [][]byte) (ok bool, err error) {
	n := (headerSize + length + t.size - 1) / t.size
	if n > t.queue.Size() {
		return false, ErrFrame
	}
	if len(t.free) < n {
		if err := t.reclaim(); err != nil {
			return false, err
		}
	}
	if len(t.free) < n { // entries are never fewer than buffers
		t.blocked = true
		return false, nil
	}
	buffers := t.free[len(t.free)-n:]
	t.fill(buffers, o, parts)
	rest := headerSize + length
	for i, b := range buffers {
		t.next[b] = buffers[min(i+1, n-1)]
		t.elements[i] = t.memory.Element(int(b)*t.size, min(rest, t.size))
		rest -= t.size
	}
	id, err := t.queue.Add(t.elements[:n], nil)
	if err != nil {
		return false, err
	}
	t.first[id] = buffers[0]
	t.free, t.blocked = t.free[:len(t.free)-n], false
	return true, nil
}

// fill copies header and parts to buffers.
func (t *transmitter) fill(buffers []uint16, o *Offload, parts [][]byte) {
	room := t.bytes(buffers[0])
	o.put(room)
	room, buffers = room[headerSize:], buffers[1:]
	for _, p := range parts {
		for len(p) > 0 {
			if len(room) == 0 {
				room, buffers = t.bytes(buffers[0]), buffers[1:]
			}
			n := copy(room, p)
			room, p = room[n:], p[n:]
		}
	}
}

func (t *transmitter) bytes(b uint16) []byte { return t.memory.Bytes()[int(b)*t.size:][:t.size] }

// arm asks for an interrupt if somebody waits for room, and reports whether there is some already.
func (t *transmitter) arm() (more bool, err error) {
	if !t.blocked {
		t.queue.Quiet()
		return false, nil
	}
	if more, err = t.queue.Arm(); more {
		t.blocked = false
	}
	return more, err
}
