// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loam/abi"
	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/ninep/folder/foldertest"
	"loam/user/virtio"
	"loam/user/virtio/p9"
)

// TestDirect: data goes between the host's files and memory that the device reaches with no
// copy on this side: there is nothing to copy it through.
func TestDirect(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	device := machine(t, dir, false, "").open(t, p9.Options{})
	d := mount(t, device, folder.Options{}, false)
	mine, err := device.Data(2 << 20)
	if err != nil {
		t.Fatal(err)
	}
	data := mine[:1<<20]
	for i := range data {
		data[i] = byte(i >> 3)
	}
	f, err := d.Create(ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if n, err := f.WriteAt(ctx, data, 5); n != len(data) || err != nil {
		t.Fatal(n, err)
	}
	back := mine[1<<20:]
	if n, err := f.ReadAt(ctx, back, 5); n != len(data) || err != nil || !bytes.Equal(back, data) {
		t.Fatal("read back:", n, err)
	}
}

// TestUnlinked: a file that has lost its name can still be read and written.
func TestUnlinked(t *testing.T) {
	ctx := t.Context()
	d := byQEMU(t, t.TempDir(), false)
	f, err := d.Create(ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := d.Unlink(ctx, "f"); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 10)
	if n, err := f.WriteAt(ctx, []byte("still"), 0); n != 5 || err != nil {
		t.Error("write:", n, err)
	}
	if n, err := f.ReadAt(ctx, p, 0); string(p[:n]) != "still" || err != nil {
		t.Errorf("read: %q %v", p[:n], err)
	}
	// QEMU 7.2.22 gives the attributes by the open file, but changes them by its name;
	// other versions differ.
	stat := func() (int64, error) { a, err := f.Stat(ctx); return int64(a.Size), err }
	if size, err := stat(); err == nil && size != 5 || err != nil && !errors.Is(err, abi.ENOENT) {
		t.Error("attributes:", size, err)
	} else {
		t.Log("attributes of a file without a name:", err)
	}
	if err := f.Truncate(ctx, 2); err != nil && !errors.Is(err, abi.ENOENT) {
		t.Error("truncate:", err)
	} else {
		t.Log("truncating a file without a name:", err)
	}
}

// TestRenamed: what is open stays the same file when it gets another name by us.
func TestRenamed(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	d := byQEMU(t, dir, false)
	if err := d.Mkdir(ctx, "a", 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := d.Create(ctx, "a/f")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := d.Rename(ctx, "a", "b"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(ctx, []byte("x"), 0); err != nil {
		t.Error(err)
	}
	if a, err := f.Stat(ctx); a.Size != 1 || err != nil {
		t.Error(a.Size, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "b/f")); string(got) != "x" || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

// TestRest: what the tests of folders don't ask of a server.
func TestRest(t *testing.T) {
	ctx := t.Context()
	d := byQEMU(t, t.TempDir(), false)
	f, err := d.Create(ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if s, err := d.StatFS(ctx); s.Bsize == 0 || s.Blocks == 0 || s.Namelen != 255 || err != nil {
		t.Errorf("%+v %v", s, err)
	}
	lock := ninep.Lock{Type: ninep.LockWrite, Length: 10, PID: 1, Owner: "loam"}
	if err := f.Lock(ctx, &lock); err != nil {
		t.Error(err)
	}
	if l, err := f.GetLock(ctx, &lock); l.Type != ninep.Unlock || err != nil {
		t.Errorf("%+v %v", l, err)
	}
	value := bytes.Repeat([]byte("value"), 500)
	switch err := d.SetXattr(ctx, "f", "user.loam", value, ninep.XattrCreate); {
	case errors.Is(err, abi.ENOTSUP):
		t.Skip("the host's file system has no extended attributes")
	case err != nil:
		t.Fatal(err)
	}
	if got, err := d.GetXattr(ctx, "f", "user.loam"); !bytes.Equal(got, value) || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if got, err := d.ListXattr(ctx, "f"); !strings.Contains(string(got), "user.loam\x00") || err != nil {
		t.Errorf("%q %v", got, err)
	}
	if err := d.RemoveXattr(ctx, "f", "user.loam"); err != nil {
		t.Error(err)
	}
	if _, err := d.GetXattr(ctx, "f", "user.loam"); !errors.Is(err, abi.ENODATA) {
		t.Error(err)
	}
}

// TestAgain: who starts again at the same device, without having let go of anything, finds
// nothing of what was before.
func TestAgain(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	device := qemu(t, dir, false)
	for i := range 3 {
		c, err := ninep.Dial(ctx, device, ninep.Config{Requests: 4})
		if err != nil {
			t.Fatal(err)
		}
		d, err := folder.Attach(ctx, c, folder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for k := range 10 {
			f, err := d.OpenFile(ctx, fmt.Sprint(k), abi.O_RDWR|abi.O_CREAT, 0o644)
			if err != nil {
				t.Fatal(i, k, err)
			}
			if _, err := f.WriteAt(ctx, []byte{byte(i)}, int64(i)); err != nil {
				t.Error(i, k, err)
			}
		}
	}
	if got, err := os.ReadFile(filepath.Join(dir, "7")); string(got) != "\x00\x01\x02" || err != nil {
		t.Errorf("%q %v", got, err)
	}
}

// TestRings: it is the same on each kind of queue.
func TestRings(t *testing.T) {
	for name, c := range map[string]struct {
		properties string
		o          p9.Options
	}{
		"split":  {"", p9.Options{Buffers: 2, Without: virtio.FeatureIndirect | virtio.FeatureEventIndex}},
		"packed": {",packed=on", p9.Options{Buffers: 2}},
		"less":   {",packed=on", p9.Options{Buffers: 2, Data: 8 << 10, Requests: 1, Without: virtio.FeatureIndirect}},
	} {
		t.Run(name, func(t *testing.T) {
			foldertest.Content(t, func(t testing.TB, dir string, readOnly bool) *folder.Dir {
				device := machine(t, dir, readOnly, c.properties).open(t, c.o)
				if is := device.Device.Device(); is.Has(virtio.FeatureRingPacked) != (name != "split") || is.Has(virtio.FeatureIndirect) != (name == "packed") {
					t.Error("another kind of queue")
				}
				return mount(t, device, folder.Options{}, readOnly)
			})
		})
	}
}

// TestReset: a device that is opened again in the midst of its work forgets all of it, and
// those who wait for it learn that.
func TestReset(t *testing.T) {
	ctx := t.Context()
	m := machine(t, t.TempDir(), false, "")
	for i := range 5 {
		device := m.open(t, p9.Options{Buffers: 4})
		c, err := ninep.Dial(ctx, device, ninep.Config{})
		if err != nil {
			t.Fatal(err)
		}
		d, err := folder.Attach(ctx, c, folder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for k := range 8 {
			all.Go(func() {
				for {
					f, err := d.Create(ctx, fmt.Sprint(k))
					if err == nil {
						_, err = f.WriteAt(ctx, make([]byte, 100_000), 0)
					}
					if errors.Is(err, p9.ErrClosed) {
						return
					} else if err != nil {
						t.Error(i, k, err)
						return
					}
					_ = f.Close()
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		if err := device.Close(); err != nil {
			t.Error(err)
		}
		all.Wait()
	}
}

// TestTogether: many goroutines at once, whose contexts end at any moment, leave nothing
// behind, and those that come to their end have done what they say.
func TestTogether(t *testing.T) {
	d := byQEMU(t, t.TempDir(), false)
	var all sync.WaitGroup
	var done, late atomic.Int32
	for i := range 24 {
		all.Go(func() { impatient(t, d, i, &done, &late) })
	}
	all.Wait()
	t.Logf("%d came to their end, %d gave up", done.Load(), late.Load())
	if done.Load() == 0 || late.Load() == 0 {
		t.Error("that tries nothing")
	}
	if entries, err := d.ReadDir(t.Context(), "."); err != nil {
		t.Error(entries, err)
	}
}

// impatient works on a file of its own, and often stops waiting.
func impatient(t *testing.T, d *folder.Dir, i int, done, late *atomic.Int32) {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	data := bytes.Repeat([]byte{byte(i)}, 20000)
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(r.IntN(100000))*time.Microsecond)
		f, err := d.Create(ctx, fmt.Sprint("f", i))
		if err == nil {
			if _, err = f.WriteAt(ctx, data, 0); err == nil {
				got := make([]byte, len(data)+1)
				var n int
				if n, err = f.ReadAt(ctx, got, 0); err == nil && !bytes.Equal(got[:n], data) {
					t.Errorf("file %d has others' bytes, or %d", i, n)
				}
			}
			_ = f.Close()
		}
		cancel()
		switch {
		case err == nil:
			done.Add(1)
		case errors.Is(err, context.DeadlineExceeded):
			late.Add(1)
		default:
			t.Errorf("file %d: %v", i, err)
		}
	}
}
