// SPDX-License-Identifier: Apache-2.0

package net

import (
	"errors"
	"testing"

	"loam/user/virtio"
)

// What a device can do, and its driver.
const (
	doCome     = iota // a frame of some length behind some header
	doPiece           // gives a buffer back with any length and any number of buffers
	doID              // and another id
	doTwice           // or twice
	doSent            // has sent the first frame, or the last
	doScribble        // writes where it likes
	doSend            // the driver sends
	doReceive         // the driver receives
	numDoings
)

// FuzzDevice: whatever a device writes and gives back, the driver's calls end, with results that can be or
// with errors that say what it is, and buffers stay as many as there are.
func FuzzDevice(f *testing.F) {
	for how := range byte(numDoings) {
		f.Add([]byte{how, 1, 60, 1, 0, doReceive, how, 3, 2, 9, doSend, 7, how, 0, 0, doReceive}, how)
		f.Add([]byte{doSend, 1, doSend, 2, doSent, 0, how, 200, 17, 3, 4, doReceive, how, 0xff, 0xff, 0xff, 0xff, doReceive}, how)
	}
	f.Fuzz(func(t *testing.T, data []byte, kind byte) {
		o := Options{Pairs: 2, Receive: 16, Transmit: 16, Buffer: MinBuffer}
		w := open(t, []uint64{split, events, packed}[kind%3]|all, o)
		w.hold = true
		x := &wild{w, data}
		for len(x.data) > 0 {
			if err := x.step(); err != nil {
				if !errors.Is(err, virtio.ErrDevice) && !errors.Is(err, virtio.ErrFull) && !errors.Is(err, ErrFrame) {
					t.Fatal("an error of another kind:", err)
				}
				return
			}
			x.check(t)
		}
	})
}

type wild struct {
	*world
	data []byte
}

func (x *wild) next() int {
	if len(x.data) == 0 {
		return 0
	}
	b := x.data[0]
	x.data = x.data[1:]
	return int(b)
}

func (x *wild) step() error {
	pair := 0
	switch x.next() % numDoings {
	case doCome:
		header := [headerSize]byte{byte(x.next()), byte(x.next()), 0, 0, byte(x.next()), 0, byte(x.next())}
		x.come(pair, header, make([]byte, x.next()<<(x.next()&7)))
	case doPiece:
		x.give(pair, 0, 1)
	case doID:
		x.give(pair, uint16(1+x.next()), 1)
	case doTwice:
		x.give(pair, 0, 2)
	case doSent:
		if n := len(x.held); n > 0 {
			x.dev.Finish(1, x.held[x.next()%n], x.next())
		}
	case doScribble:
		b := x.dev.Guest.Bytes
		for range 1 + x.next()&7 {
			b[(x.next()<<8|x.next())%len(b)] = byte(x.next())
		}
		x.dev.Asleep = true // the model believes its driver
	case doSend:
		n := EthernetHeader + x.next()*5
		if _, err := x.card.Send(pair, Offload{}, make([]byte, min(n, 1400))); err != nil {
			return err
		}
		return x.card.Kick()
	case doReceive:
		return x.receive(pair)
	}
	return nil
}

// give has the device give a buffer back, of another id.
func (x *wild) give(pair int, id uint16, times int) {
	if len(x.room[pair]) == 0 {
		return
	}
	c := x.room[pair][0]
	x.room[pair] = x.room[pair][1:]
	if len(c.Writable) > 0 && len(c.Writable[0]) >= headerSize {
		c.Write(0, []byte{byte(x.next()), byte(x.next()), 0, 0, 0, 0, 0, 0, 0, 0, byte(x.next()), byte(x.next())})
	}
	c.ID += id
	for range times {
		x.dev.Finish(2*pair, c, x.next()<<(x.next()&15))
	}
}

func (x *wild) receive(pair int) error {
	for range 100 {
		f, ok, err := x.card.Next(pair)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if f.Length < EthernetHeader || f.Length > MaxFrame || f.Offload.Partial && int(f.Offload.ChecksumStart)+int(f.Offload.ChecksumOffset)+2 > f.Length {
			x.t.Fatalf("%+v", f)
		}
		if err := x.card.Take(pair, make([]byte, f.Length/3), make([]byte, f.Length-f.Length/3)); err != nil {
			return err
		}
	}
	if err := x.card.Kick(); err != nil {
		return err
	}
	_, err := x.card.Arm()
	return err
}

// check counts buffers.
func (x *wild) check(t *testing.T) {
	for i := range x.card.pairs {
		p := &x.card.pairs[i]
		flying := 0
		for range p.in.queue.InFlight() {
			flying++
		}
		if flying+p.in.have != p.in.queue.Size() {
			t.Fatalf("%d buffers are with the device, and %d here", flying, p.in.have)
		}
		seen := map[uint16]bool{}
		for _, b := range p.out.free {
			if seen[b] || int(b) >= p.out.queue.Size() {
				t.Fatal("buffer", b, "is free twice")
			}
			seen[b] = true
		}
	}
}
