// SPDX-License-Identifier: Apache-2.0

package rng

import (
	"bytes"
	"errors"
	"testing"

	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

const address = 0x8000_0000

func open(t *testing.T, serve func(c virtiotest.Chain) (int, bool)) (*Source, *virtiotest.Device) {
	t.Helper()
	b := make([]byte, 8192)
	m, err := virtio.NewMemory(b, address)
	if err != nil {
		t.Fatal(err)
	}
	d := &virtiotest.Device{
		Type: virtio.DeviceEntropy, Features: virtio.FeatureVersion1 | virtio.FeatureEventIndex, Max: []int{8},
		Guest: virtiotest.Guest{Bytes: b, Address: address},
		Serve: func(_ int, c virtiotest.Chain) (int, bool) { return serve(c) },
	}
	tr, err := virtio.NewMMIO(virtiotest.NewMMIO(d))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(tr, virtio.NewArena(m))
	if err != nil {
		t.Fatal(err)
	}
	return s, d
}

func TestSource(t *testing.T) {
	sent := byte(0)
	s, d := open(t, func(c virtiotest.Chain) (int, bool) {
		if len(c.Readable) > 0 || c.Room() != BufferSize {
			t.Errorf("%d bytes of room", c.Room())
		}
		sent++
		return c.Write(0, bytes.Repeat([]byte{sent}, 1+int(sent)%BufferSize)), true
	})
	for i := byte(1); i < 200; i++ {
		b := make([]byte, BufferSize)
		if n, err := s.Take(b); n != 0 || err != nil {
			t.Fatal(n, err)
		}
		for range 3 {
			if err := s.Ask(); err != nil {
				t.Fatal(err)
			}
		}
		if c, err := s.Device().Interrupt(); c != virtio.CauseQueue || err != nil {
			t.Fatal(c, err)
		}
		want := bytes.Repeat([]byte{i}, 1+int(i))
		if n, err := s.Take(b); err != nil || !bytes.Equal(b[:n], want) {
			t.Fatal(n, err)
		}
	}
	if d.Err != nil || d.Notified != 199 {
		t.Error(d.Err, d.Notified)
	}
	if !bytes.Equal(s.buffer.Bytes(), make([]byte, BufferSize)) {
		t.Error("what was taken is still there")
	}
}

// TestBadSource: a device that answers with nothing, and one that says too much.
func TestBadSource(t *testing.T) {
	for length, want := range map[int]virtio.Fault{0: virtio.FaultProtocol, BufferSize + 1: virtio.FaultLength} {
		s, _ := open(t, func(virtiotest.Chain) (int, bool) { return length, true })
		if err := s.Ask(); err != nil {
			t.Fatal(err)
		}
		n, err := s.Take(make([]byte, 2*BufferSize))
		var d *virtio.DeviceError
		if n != 0 || !errors.As(err, &d) || d.Fault != want {
			t.Error(length, n, err)
		}
	}
}
