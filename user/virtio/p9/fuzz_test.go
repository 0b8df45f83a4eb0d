// SPDX-License-Identifier: Apache-2.0

//go:build linux

package p9

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/virtio/virtiotest"
)

// wild is a device that does with each request what a piece of data says.
type wild struct {
	*machine
	data   []byte
	asked  int
	last   virtiotest.Chain
	cancel context.CancelFunc
	gaveUp bool // the call that is being made has been cancelled
}

func (w *wild) next() int {
	if len(w.data) == 0 {
		return -1
	}
	b := w.data[0]
	w.data = w.data[1:]
	return int(b)
}

// What a device can do with a request.
const (
	doAnswer   = iota // in the right form, with some data
	doCount           // says another length
	doID              // names another buffer
	doNothing         // nothing
	doTwice           // gives it back twice
	doEarlier         // gives back the one before
	doScribble        // writes somewhere in the queue's memory, and answers
	doBreak           // says that it needs a reset
	doHeader          // answers with another header
	doCancel          // nothing, and the call is cancelled
	numDoings
)

// answer is called with each request. Tversion and Tattach are answered well.
func (w *wild) answer(c virtiotest.Chain) {
	b := c.Read()
	if len(b) < 7 {
		return // the device has written where the request was
	}
	w.asked++
	if w.asked <= 2 {
		w.finish(c, c.Write(0, canned(b, nil)))
		return
	}
	how := w.next()
	reply := canned(b, w.data[:min(8, len(w.data))])
	n := c.Write(0, reply)
	switch how % numDoings {
	case doAnswer:
		w.finish(c, n)
	case doCount:
		w.finish(c, w.next()<<(w.next()&31))
	case doID:
		c.ID += uint16(1 + w.next())
		w.finish(c, n)
	case doTwice:
		w.Finish(0, c, n)
		w.finish(c, n)
	case doEarlier:
		w.finish(w.last, n)
	case doScribble:
		w.scribble()
		w.finish(c, n)
	case doBreak:
		w.Break()
		w.interrupt()
	case doHeader:
		b := []byte{byte(w.next()), 0, 0, 0, byte(w.next()), byte(w.next())}
		c.Write(0, b)
		w.finish(c, n)
	case doCancel:
		if kind := ninep.Type(b[4]); kind != ninep.Tflush && kind != ninep.Tclunk { // which aren't cancelled
			w.gaveUp = true
			w.cancel()
		}
	}
	w.last = c
}

// scribble writes some words to where queue and buffers are.
func (w *wild) scribble() {
	w.wild = true
	for range 1 + w.next()&7 {
		at := (w.next()<<8 | w.next()) & 0x1fff
		w.memory.Bytes()[at%w.memory.Size()] = byte(w.next())
	}
}

// canned gives a reply of the right form, with some bytes in it.
func canned(request, bytes []byte) []byte {
	kind := ninep.Type(request[4])
	b := append(make([]byte, 7), bytes...)
	switch kind {
	case ninep.Tversion:
		b = append(b[:7], 0, 32, 0, 0, 8, 0)
		b = append(b, ninep.Version...)
	case ninep.Tattach:
		b = append(b[:7], ninep.TypeDir, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	case ninep.Tread:
		b = append(b[:7], byte(len(bytes)), 0, 0, 0)
		b = append(b, bytes...)
	case ninep.Twrite:
		b = append(b[:7], byte(len(bytes)), 0, 0, 0)
	case ninep.Tclunk, ninep.Tflush:
		b = b[:7]
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	b[4] = byte(kind + 1)
	copy(b[5:7], request[5:7])
	return b
}

// stepped is the device, which has its turn after each request, and is waited for no longer
// than its patience lasts.
type stepped struct {
	*Device
	w *wild
}

func (s stepped) Start(x *ninep.Exchange) error {
	s.w.gaveUp = false
	if err := s.Device.Start(x); err != nil {
		return err
	}
	_, _ = s.Interrupt(), s.Take()
	for !s.w.gaveUp && s.Waiting() {
		_ = s.Tick()
	}
	return nil
}

// FuzzDevice: whatever a device answers, and writes to memory that is shared with it, each
// call comes to an end, with a result that can be or an error that says what it is; no buffer
// is lost, and the device can be opened again.
func FuzzDevice(f *testing.F) {
	for how := range byte(numDoings) {
		f.Add([]byte{doAnswer, 1, 2, 3, 4, how, 5, 6, 7, 8, 9, how, how, 1, doAnswer, 2}, how)
		f.Add(bytes.Repeat([]byte{doScribble, how, how * 31, how, 0xff, 7, 1}, 9), how)
	}
	f.Fuzz(func(t *testing.T, data []byte, kind byte) {
		o := Options{Requests: 2, Data: 8 << 10, Buffers: 2}
		m := newMachine(t, []uint64{split, qemus, packed}[kind%3], o.Bytes()+4096)
		w := &wild{machine: m, data: data}
		m.lie = w.answer
		d := m.mustOpen(t, o)
		mine, err := d.Data(600)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ninep.Dial(t.Context(), stepped{d, w}, ninep.Config{Requests: d.Requests()})
		if err != nil {
			t.Fatal(err)
		}
		root, _, err := c.Attach(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		for i := kind; len(w.data) > 0 && d.Err() == nil && c.Err() == nil; i++ {
			known(t, w.call(t, c, root, mine, i%5))
			if len(w.data) > 0 {
				w.data = w.data[1:] // so that it comes to an end
			}
		}
		if c.Err() == nil && len(d.free) != cap(d.free) {
			t.Fatal("buffers were lost")
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if d.Waiting() {
			t.Fatal("an exchange was forgotten")
		}
		w.data, w.asked = nil, 0
		if _, err := ninep.Dial(t.Context(), stepped{m.mustOpen(t, o), w}, ninep.Config{Requests: 2}); err != nil {
			t.Fatal("again:", err)
		}
	})
}

// call makes a call and looks at its result.
func (w *wild) call(t *testing.T, c *ninep.Client, root ninep.Fid, mine []byte, what byte) error {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.cancel = cancel
	p := make([]byte, 500)
	n, err := 0, error(nil)
	switch what {
	case 0:
		n, err = c.Read(ctx, root, 0, p)
	case 1:
		n, err = c.Read(ctx, root, 0, mine[:500])
	case 2:
		n, err = c.Write(ctx, root, 0, p)
	case 3:
		n, err = c.Write(ctx, root, 0, mine[:500])
	case 4:
		var a ninep.Attr
		err = c.GetAttr(ctx, root, ninep.AttrAll, &a)
	}
	if n < 0 || n > 500 {
		t.Fatal("so many bytes:", n)
	}
	return err
}

// known fails if an error is not one of those that a client gives.
func known(t *testing.T, err error) {
	t.Helper()
	var p *ninep.ProtocolError
	var e abi.Errno
	var x *ninep.TransportError
	if err != nil && !errors.Is(err, context.Canceled) && (!errors.As(err, &e) || e == 0) && !errors.As(err, &p) && !errors.As(err, &x) {
		t.Fatalf("an error of another kind: %v", err)
	}
}

// TestAllocations: exchanges take nothing from the heap, wherever their data is.
func TestAllocations(t *testing.T) {
	o := Options{Requests: 2, Data: 8 << 10, Buffers: 1}
	for name, features := range map[string]uint64{"split": split, "indirect": qemus, "packed": packed} {
		m := newMachine(t, features, o.Bytes()+4096)
		d := m.mustOpen(t, o)
		fields, err := d.Data(1024)
		if err != nil {
			t.Fatal(err)
		}
		direct := ninep.Exchange{Request: [2][]byte{fields[:16]}, Reply: [2][]byte{fields[16:32], fields[512:]}}
		copied := ninep.Exchange{Request: direct.Request, Reply: [2][]byte{fields[16:32], make([]byte, 512)}}
		perExchange := func(x *ninep.Exchange, answer func(c virtiotest.Chain)) float64 {
			m.lie = answer
			return testing.AllocsPerRun(50, func() {
				if err := d.Start(x); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(d.Interrupt(), d.Take()); err != nil {
					t.Fatal(err)
				}
			})
		}
		answer := func(c virtiotest.Chain) { m.finish(c, 100) }
		model := perExchange(&direct, answer)
		if got := perExchange(&copied, answer); got != model || model != 3 {
			t.Errorf("%s: %v and %v allocations, of which the model's are 3", name, model, got)
		}
	}
}
