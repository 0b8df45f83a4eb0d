// SPDX-License-Identifier: Apache-2.0

//go:build linux

package p9

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/ninep/folder/foldertest"
	"loam/user/virtio"
	"loam/user/virtio/virtiotest"
)

// small are options with which much waits for little.
var small = Options{Requests: 3, Data: 8 << 10, Buffers: 2}

// mounting gives folders by way of devices of some features.
func mounting(features uint64, o Options) foldertest.Mount {
	return func(t testing.TB, dir string, readOnly bool) *folder.Dir {
		t.Helper()
		m := newMachine(t, features, o.Bytes())
		return mount(t, start(t, m, dir, o), readOnly)
	}
}

// TestFolders: folders work by way of a device.
func TestFolders(t *testing.T) {
	foldertest.All(t, mounting(qemus, Options{Data: 64 << 10, Buffers: 4}), 300, 1000)
}

// TestRings: on whatever kind of queue, and with little memory.
func TestRings(t *testing.T) {
	for name, features := range map[string]uint64{"split": split, "indirect": qemus, "packed": packed} {
		t.Run(name, func(t *testing.T) {
			t.Run("Content", func(t *testing.T) { foldertest.Content(t, mounting(features, small)) })
			t.Run("Model", func(t *testing.T) { foldertest.Model(t, mounting(features, small), 1, 200) })
			t.Run("Together", func(t *testing.T) { together(t, features) })
		})
	}
}

// together: many at once, whose contexts end at any moment, while there are requests and
// buffers for a few.
func together(t *testing.T, features uint64) {
	m := newMachine(t, features, small.Bytes())
	dir := mount(t, start(t, m, t.TempDir(), small), false)
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			name, data := string(rune('a'+i)), bytes.Repeat([]byte{byte(i)}, 30_000)
			for k := range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(k)*time.Millisecond)
				got, err := roundTrip(ctx, dir, name, data)
				cancel()
				if err == nil && !bytes.Equal(got, data) || err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(name, k, len(got), err)
				}
			}
		})
	}
	all.Wait()
	if _, err := roundTrip(t.Context(), dir, "z", []byte("fine")); err != nil {
		t.Error(err)
	}
}

// roundTrip writes a file and reads it.
func roundTrip(ctx context.Context, d *folder.Dir, name string, data []byte) ([]byte, error) {
	f, err := d.Create(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteAt(ctx, data, 0); err != nil {
		return nil, err
	}
	got := make([]byte, len(data))
	n, err := f.ReadAt(ctx, got, 0)
	return got[:n], err
}

// TestData: data in the device's memory goes there without a buffer, and other data not at
// all if there are none.
func TestData(t *testing.T) {
	o := Options{Data: 16 << 10}
	m := newMachine(t, qemus, o.Bytes()+1<<17)
	where := t.TempDir()
	d := start(t, m, where, o)
	mine, err := d.Data(1 << 16)
	if err != nil {
		t.Fatal(err)
	}
	for i := range mine {
		mine[i] = byte(i >> 4)
	}
	want := bytes.Clone(mine)
	dir := mount(t, d, false)
	f, err := dir.Create(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.WriteAt(t.Context(), mine, 0); n != len(mine) || err != nil {
		t.Fatal(n, err)
	}
	if got, err := os.ReadFile(filepath.Join(where, "f")); !bytes.Equal(got, want) || err != nil {
		t.Fatal(len(got), err)
	}
	clear(mine)
	if n, err := f.ReadAt(t.Context(), mine, 0); n != len(mine) || err != nil || !bytes.Equal(mine, want) {
		t.Fatal(n, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []*ninep.Exchange{
		{Request: [2][]byte{mine[:30], make([]byte, 5)}, Reply: [2][]byte{mine[30:60]}},
		{Request: [2][]byte{mine[:30]}, Reply: [2][]byte{mine[30:60], make([]byte, 5)}},
		{Request: [2][]byte{make([]byte, 30)}, Reply: [2][]byte{mine[30:60]}},
	} {
		if err := d.Start(x); !errors.Is(err, ErrMemory) {
			t.Error(err)
		}
	}
	if _, err := dir.Stat(t.Context(), "f"); err != nil { // none of that has harmed it
		t.Error(err)
	}
}

// TestOpen: what can't be is refused, and a mount tag is what it is.
func TestOpen(t *testing.T) {
	for name, c := range map[string]struct {
		o      Options
		change func(m *machine)
		want   error
	}{
		"requests":      {Options{Requests: 129}, nil, virtio.ErrMemory},
		"less than any": {Options{Requests: -1}, nil, virtio.ErrMemory},
		"data":          {Options{Data: 4096}, nil, virtio.ErrMemory},
		"patience":      {Options{Patience: -1}, nil, virtio.ErrMemory},
		"buffers":       {Options{Buffers: 8}, nil, virtio.ErrMemory},
		"another type":  {small, func(m *machine) { m.Type = virtio.DeviceBlock }, virtio.ErrNotVirtio},
		"no tag":        {small, func(m *machine) { m.Features &^= featureTag }, virtio.ErrFeatures},
		"a short queue": {small, func(m *machine) { m.Features, m.Max = split, []int{4} }, ErrRoom},
		"too short":     {small, func(m *machine) { m.Max = []int{2} }, ErrRoom},
		"an empty tag":  {small, func(m *machine) { m.Config = tag("") }, ErrTag},
		"a long tag":    {small, func(m *machine) { m.Config = tag(strings.Repeat("x", MaxTag+1)) }, ErrTag},
		"no text":       {small, func(m *machine) { m.Config = tag("host\x00") }, ErrTag},
		"a cut tag":     {small, func(m *machine) { m.Config = tag("host")[:5] }, virtio.ErrConfig},
		"nothing":       {small, func(m *machine) { m.Config = nil }, virtio.ErrConfig},
	} {
		m := newMachine(t, qemus, small.Bytes())
		if c.change != nil {
			c.change(m)
		}
		if _, err := m.open(c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", name, err, c.want)
		}
	}
	for _, tag1 := range []string{"x", "a folder, of the höst's", strings.Repeat("x", MaxTag)} {
		m := newMachine(t, qemus, small.Bytes())
		m.Config = tag(tag1)
		if d := m.mustOpen(t, small); d.Tag() != tag1 {
			t.Errorf("%q", d.Tag())
		}
	}
}

// TestRequests: a queue that is short has fewer requests, and one too many is refused.
func TestRequests(t *testing.T) {
	for _, c := range []struct {
		features        uint64
		entries, expect int
	}{{split, 128, 16}, {split, 64, 8}, {split, 8, 1}, {qemus, 128, 16}, {qemus, 16, 8}, {qemus, 4, 2}, {packed, 5, 2}} {
		o := Options{Data: 8 << 10}
		m := newMachine(t, c.features, o.Bytes()+4096)
		m.Max = []int{c.entries}
		m.lie = func(virtiotest.Chain) {} // says nothing
		d := m.mustOpen(t, o)
		if d.Requests() != c.expect {
			t.Errorf("%d entries: %d requests, not %d", c.entries, d.Requests(), c.expect)
		}
		fields, err := d.Data(4 * 16)
		if err != nil {
			t.Fatal(err)
		}
		exchange := func() *ninep.Exchange {
			return &ninep.Exchange{Request: [2][]byte{fields[:16], fields[16:32]}, Reply: [2][]byte{fields[32:48], fields[48:]}}
		}
		for range 2 * c.expect {
			if err := d.Start(exchange()); err != nil {
				t.Fatal(c.entries, err)
			}
		}
		for range c.entries {
			err = d.Start(exchange())
		}
		if !errors.Is(err, virtio.ErrFull) {
			t.Error(c.entries, err)
		}
	}
}

// TestAgain: after a failure everything is as new, when the device is opened again with the
// same memory.
func TestAgain(t *testing.T) {
	where := t.TempDir()
	m := newMachine(t, qemus, small.Bytes())
	for i := range 5 {
		t.Run("", func(t *testing.T) {
			d := start(t, m, where, small)
			c, err := ninep.Dial(t.Context(), d, ninep.Config{Requests: d.Requests()})
			if err != nil {
				t.Fatal(err)
			}
			dir, err := folder.Attach(t.Context(), c, folder.Options{})
			if err != nil {
				t.Fatal(err)
			}
			data := bytes.Repeat([]byte{byte(i)}, 20_000)
			if got, err := roundTrip(t.Context(), dir, "f", data); !bytes.Equal(got, data) || err != nil {
				t.Fatal(err)
			}
			if _, err := dir.Open(t.Context(), "f"); err != nil { // which stays open
				t.Fatal(err)
			}
			m.mu.Lock()
			m.Break()
			m.interrupt()
			m.mu.Unlock()
			<-d.ended
			if _, err := dir.Stat(t.Context(), "f"); !errors.Is(err, virtio.ErrDevice) || !errors.Is(err, abi.EIO) {
				t.Error(err)
			}
		})
	}
}
