// SPDX-License-Identifier: Apache-2.0

package console

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"loam/user/virtio"
)

// TestStreams: random reads and writes at both ends of all ports; every byte arrives, in
// order, and nobody is ever given more than there is room for.
func TestStreams(t *testing.T) {
	for i, features := range []uint64{
		featureMultiport, featureMultiport | virtio.FeatureEventIndex | virtio.FeatureRingPacked, virtio.FeatureRingPacked, virtio.FeatureEventIndex,
	} {
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		w := openWith(t, features, small)
		n := 1
		if features&featureMultiport != 0 {
			n = 3
			for id := range uint32(3) {
				w.tell(t, id, deviceAdd, 0, "")
			}
			w.events(t)
		}
		var to, from, gotTo, gotFrom [3][]byte // device, driver
		random := func() []byte {
			b := make([]byte, rng.IntN(100))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			return b
		}
		step := func(p int, sending bool) {
			queue := [3]int{0, 4, 6}[p]
			switch b := random(); rng.IntN(4) {
			case 0:
				if sending {
					k, _ := w.send(queue, b)
					from[p] = append(from[p], b[:k]...)
				}
			case 1:
				b, _ = w.take(queue + 1)
				gotTo[p] = append(gotTo[p], b...)
			case 2:
				k, err := w.c.Read(p, b)
				if err != nil {
					t.Fatal(err)
				}
				gotFrom[p] = append(gotFrom[p], b[:k]...)
			default:
				if sending {
					k, err := w.c.Write(p, b)
					if err != nil {
						t.Fatal(err)
					}
					to[p] = append(to[p], b[:k]...)
				}
			}
		}
		for range 30_000 {
			step(rng.IntN(n), true)
		}
		for range 10_000 {
			step(rng.IntN(n), false)
		}
		total := 0
		for p := range n {
			if !bytes.Equal(to[p], gotTo[p]) || !bytes.Equal(from[p], gotFrom[p]) {
				t.Fatalf("port %d: %d of %d bytes arrived, %d of %d", p, len(gotTo[p]), len(to[p]), len(gotFrom[p]), len(from[p]))
			}
			if left, err := w.c.Unsent(p); left != 0 || err != nil {
				t.Error(left, err)
			}
			total += len(to[p]) + len(from[p])
		}
		if w.dev.Err != nil {
			t.Error(w.dev.Err)
		}
		t.Logf("features %#x: %d bytes", features, total)
	}
}

// TestBackPressure: notifications come when there is room again, and not before it is
// wanted.
func TestBackPressure(t *testing.T) {
	w := openWith(t, virtio.FeatureEventIndex, small)
	calm := func() bool { _, err := w.c.Device().Interrupt(); return err == nil && !w.dev.Pending() }
	if more, err := w.c.Arm(); more || err != nil {
		t.Fatal(more, err)
	}
	if n, err := w.c.Write(0, make([]byte, 10)); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	w.take(transmitq0)
	if w.dev.Pending() {
		t.Error("notified of room that nobody waits for")
	}
	if n, err := w.c.Write(0, make([]byte, 100)); n != 64 || err != nil {
		t.Fatal(n, err)
	}
	if more, err := w.c.Arm(); more || err != nil || !calm() {
		t.Fatal(more, err)
	}
	w.take(transmitq0)
	if !w.dev.Pending() {
		t.Error("not notified of room")
	}
	if left, err := w.c.Unsent(0); left != 3 || err != nil {
		t.Error(left, err)
	}
	for range 3 {
		w.take(transmitq0)
	}
	if left, err := w.c.Unsent(0); left != 0 || err != nil {
		t.Error(left, err)
	}
	// What isn't read stays with the device.
	for range 4 {
		w.send(receiveq0, make([]byte, 16))
	}
	if _, ok := w.send(receiveq0, []byte("more")); ok {
		t.Error("a fifth buffer")
	}
	if n, err := w.c.Read(0, make([]byte, 17)); n != 17 || err != nil || len(w.held[receiveq0]) != 1 {
		t.Error(n, err, len(w.held[receiveq0]))
	}
}
