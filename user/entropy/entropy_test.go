// SPDX-License-Identifier: Apache-2.0

package entropy

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"loam/user/virtio"
	"loam/user/virtio/driver"
	"loam/user/virtio/rng"
	"loam/user/virtio/virtiotest"
)

type line struct{}

func (line) Ack() error { return nil }

// open gives a service whose device counts: its bytes are numbers of 8 bytes, none of them
// twice.
func open(t *testing.T) (*service, *virtiotest.Device) {
	t.Helper()
	const address = 0x8000_0000
	b := make([]byte, 4096)
	m, err := virtio.NewMemory(b, address)
	if err != nil {
		t.Fatal(err)
	}
	next := uint64(1)
	lengths := rand.New(rand.NewPCG(1, 1))
	d := &virtiotest.Device{
		Type: virtio.DeviceEntropy, Features: virtio.FeatureVersion1, Max: []int{8},
		Guest: virtiotest.Guest{Bytes: b, Address: address},
		Serve: func(_ int, c virtiotest.Chain) (int, bool) {
			var out []byte
			for range 1 + lengths.IntN(rng.BufferSize/8) {
				out = binary.LittleEndian.AppendUint64(out, next)
				next++
			}
			return c.Write(0, out), true
		},
	}
	transport, err := virtio.NewMMIO(virtiotest.NewMMIO(d))
	if err != nil {
		t.Fatal(err)
	}
	s := &service{failed: make(chan error, 1)}
	if s.source, err = rng.Open(transport, virtio.NewArena(m)); err != nil {
		t.Fatal(err)
	}
	s.loop = &driver.Loop{Device: s.source.Device(), Interrupt: line{}, Alarm: func() error { return nil }, Serve: s.arrived}
	return s, d
}

// TestBytes: several want bytes at once, some of them not for long. Nobody gets a number
// that somebody else has, and who waits gets all that was wanted.
func TestBytes(t *testing.T) {
	s, d := open(t)
	var all sync.WaitGroup
	var mu sync.Mutex
	seen := map[uint64]bool{}
	for i := range uint64(8) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(2, i))
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if r.IntN(4) == 0 {
					cancel()
				}
				n := 8 * r.IntN(MaxBytes/8+1)
				b, err := s.Bytes(ctx, uint32(n))
				cancel()
				if err == context.Canceled {
					continue
				}
				if err != nil || len(b) != n {
					t.Errorf("%d of %d bytes, %v", len(b), n, err)
					return
				}
				mu.Lock()
				for ; len(b) > 0; b = b[8:] {
					v := binary.LittleEndian.Uint64(b)
					if v == 0 || seen[v] {
						t.Errorf("%d was given twice", v)
					}
					seen[v] = true
				}
				mu.Unlock()
			}
		})
	}
	var over atomic.Bool
	go func() {
		all.Wait()
		over.Store(true)
	}()
	for !over.Load() {
		s.happened(driver.BitInterrupt)
		time.Sleep(time.Microsecond)
	}
	if d.Err != nil || len(s.failed) > 0 || len(s.waiting) > 0 || len(seen) == 0 {
		t.Error(d.Err, len(s.failed), len(s.waiting), len(seen))
	}
	if s.piece != [rng.BufferSize]byte{} {
		t.Error("bytes are left in the driver")
	}
}

func TestLimits(t *testing.T) {
	s, _ := open(t)
	if b, err := s.Bytes(t.Context(), MaxBytes+1); b != nil || err != syscall.EINVAL {
		t.Error(b, err)
	}
	if b, err := s.Bytes(t.Context(), 0); len(b) != 0 || err != nil {
		t.Error(b, err)
	}
	for args, want := range map[string]time.Duration{"": defaultLimit, "limit=50ms": 50 * time.Millisecond, "limit=0s": 0, "limit": 0, "x=1s": 0} {
		l, err := limit(slices.DeleteFunc([]string{args}, func(s string) bool { return s == "" }))
		if (err != nil) != (want == 0) || l != want {
			t.Error(args, l, err)
		}
	}
}

// TestSilent: the driver ends when its device is silent, or answers with nothing, and says
// why.
func TestSilent(t *testing.T) {
	for _, c := range []struct {
		spoil func(d *virtiotest.Device)
		bit   uint64
		want  error
	}{
		{func(d *virtiotest.Device) { d.Asleep = true }, driver.BitAlarm, driver.ErrSilent},
		{func(d *virtiotest.Device) {
			d.Serve = func(int, virtiotest.Chain) (int, bool) { return 0, true }
		}, driver.BitInterrupt, virtio.ErrDevice},
	} {
		s, d := open(t)
		c.spoil(d)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := s.Bytes(ctx, 8)
			ended <- err
		}()
		for {
			s.mu.Lock()
			asked := s.asked
			s.mu.Unlock()
			if asked {
				break
			}
			time.Sleep(time.Millisecond)
		}
		s.happened(c.bit)
		s.happened(c.bit) // there is one end
		if err := <-s.failed; !errors.Is(err, c.want) {
			t.Error(err)
		}
		cancel()
		if err := <-ended; err != context.Canceled {
			t.Error(err)
		}
	}
}
