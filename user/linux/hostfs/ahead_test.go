// SPDX-License-Identifier: Apache-2.0

package hostfs

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"loam/abi"
	"loam/user/folderd"
	"loam/user/linux/lx"
)

// host is a service with one file, which counts how often it is asked.
type host struct {
	folderd.Folder
	t       *testing.T
	mu      sync.Mutex // one call at a time
	content []byte
	share   []byte
	asked   int
	during  func() // called while it reads, if not nil

	begun *begun // what was begun to be read; nil: nothing
}

// begun is what the service reads before it is asked for it. It comes to the memory when somebody waits for it.
type begun struct {
	off  int64
	to   uint32
	data []byte
	size int
}

func (h *host) Open(context.Context, uint32, string, int32, uint32) (uint32, bool, error) {
	return 1, false, nil
}

func (h *host) Close(context.Context, uint32) error { return nil }

func (h *host) Read(_ context.Context, _ uint32, off int64, n uint32) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	rest := h.content[min(off, int64(len(h.content))):]
	return rest[:min(int(n), len(rest), folderd.MaxData)], nil
}

func (h *host) ReadTo(_ context.Context, _ uint32, off int64, to, n uint32) (uint32, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	h.settle(to, n)
	return h.readTo(off, to, n), nil
}

// settle has what was begun come.
func (h *host) settle(to, n uint32) {
	if b := h.begun; b != nil && b.to < to+n && to < b.to+uint32(b.size) {
		copy(h.share[b.to:], b.data)
		h.begun = nil
	}
}

func (h *host) Settle(_ context.Context, to, n uint32) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settle(to, n)
	return nil
}

func (h *host) ReadOn(_ context.Context, _ uint32, off int64, to, n uint32, taken bool, next, more uint32) (got uint32, _ error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked++
	b := h.begun
	h.settle(to, n)
	if b != nil && taken && b.off == off && b.to == to && b.size == int(n) {
		got = uint32(len(b.data))
	} else {
		got = h.readTo(off, to, n)
	}
	if got == n && more > 0 {
		h.settle(next, more)
		off += int64(got)
		rest := h.content[min(off, int64(len(h.content))):]
		h.begun = &begun{off, next, bytes.Clone(rest[:min(int(more), len(rest))]), int(more)}
	}
	return got, nil
}

func (h *host) readTo(off int64, to, n uint32) uint32 {
	if uint64(to)+uint64(n) > uint64(len(h.share)) {
		h.t.Fatalf("asked for %d bytes at %d of %d", n, to, len(h.share))
	}
	k := copy(h.share[to:to+n], h.content[min(off, int64(len(h.content))):])
	if h.during != nil {
		h.during()
	}
	return uint32(k)
}

func (h *host) Write(_ context.Context, _ uint32, off int64, data []byte) (uint32, error) {
	return uint32(copy(h.content[off:], data)), nil
}

func (h *host) WriteFrom(_ context.Context, _ uint32, off int64, from, n uint32) (uint32, error) {
	if b := h.begun; b != nil && b.to < from+n && from < b.to+uint32(b.size) {
		h.t.Error("what is written lies where the host may be reading to")
	}
	return uint32(copy(h.content[off:], h.share[from:from+n])), nil
}

// buffer is memory of who calls.
type buffer struct{ b []byte }

func (b *buffer) Len() int { return len(b.b) }

func (b *buffer) Put(p []byte) (int, abi.Errno) {
	n := copy(b.b, p)
	b.b = b.b[n:]
	return n, 0
}

func (b *buffer) Get(p []byte) (int, abi.Errno) {
	n := copy(p, b.b)
	b.b = b.b[n:]
	return n, 0
}

type waiter struct{}

func (waiter) Do(f func()) { f() }

// aheadWorld is a file system of one file, with a clock.
type aheadWorld struct {
	*host
	fs   *FS
	now  int64
	news uint64
}

func newAhead(t *testing.T, size int) *aheadWorld {
	w := &aheadWorld{host: &host{t: t, content: make([]byte, size), share: make([]byte, 512<<10)}}
	for i := range w.content {
		w.content[i] = byte(rand.Uint32())
	}
	w.fs = &FS{
		Dial: func(context.Context) (*Session, error) {
			return &Session{Folder: w.host, Share: w.share, Data: folderd.MaxData}, nil
		},
		Now: func() int64 { return w.now }, News: func() uint64 { return w.news },
	}
	return w
}

func (w *aheadWorld) open() *open {
	o, e := node{w.fs, "file", abi.S_IFREG}.Open(waiter{}, abi.O_RDWR)
	if e != 0 {
		w.t.Fatal(e)
	}
	return o.(*open)
}

// read reads, compares, and tells how many bytes there were and how often the host was asked.
func (w *aheadWorld) read(o *open, off int64, n int) (got, asked int) {
	w.t.Helper()
	before := w.askedSoFar()
	p := make([]byte, n)
	b := &buffer{p}
	got, e := o.Read(nil, b, off) // as one who can't wait, first
	if e == lx.Wait {
		got, e = o.Read(waiter{}, b, off)
	}
	want := w.content[min(off, int64(len(w.content))):]
	want = want[:min(n, len(want))]
	if e != 0 || !bytes.Equal(p[:got], want) {
		w.t.Fatalf("read %d at %d: %d, %v", n, off, got, e)
	}
	return got, w.askedSoFar() - before
}

func (h *host) askedSoFar() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

// all reads a file by pieces, from its begin, and tells how often the host was asked.
func (w *aheadWorld) all(o *open, piece int, pause int64) (asked int) {
	w.t.Helper()
	for off := int64(0); ; {
		n, k := w.read(o, off, piece)
		off, asked = off+int64(n), asked+k
		if n == 0 {
			break
		}
		w.now += pause
	}
	if o.next != int64(len(w.content)) {
		w.t.Fatalf("%d of %d bytes", o.next, len(w.content))
	}
	return asked
}

// TestAheadSequential: reads that follow one another ask the host much less often, but where data would be old.
func TestAheadSequential(t *testing.T) {
	const size = 3<<20 + 12345
	for _, c := range []struct {
		piece       int
		pause       int64
		least, most int
	}{
		{4096, 10_000, 10, 25},
		{100_000, 100_000, 12, 22},
		{128 << 10, 10_000, 12, 22},
		{256 << 10, 10_000, 13, 14}, // a half has no room for more
		{1 << 20, 10_000, 13, 14},
		{4 << 20, 10_000, 13, 14},
		{4096, 11_000_000, 770, 775}, // slowly: each by itself, but the first, which has more than it asked for
	} {
		w := newAhead(t, size)
		if n := w.all(w.open(), c.piece, c.pause); n < c.least || n > c.most {
			t.Errorf("pieces of %d each %d ns: the host was asked %d times", c.piece, c.pause, n)
		}
	}
}

// TestAheadSmall: of a small file, the end is known with its content.
func TestAheadSmall(t *testing.T) {
	w := newAhead(t, 5000)
	if n := w.all(w.open(), 5512, 1000); n != 1 {
		t.Errorf("the host was asked %d times", n)
	}
	w = newAhead(t, 0)
	if n := w.all(w.open(), 512, 1000); n != 1 {
		t.Errorf("empty: the host was asked %d times", n)
	}
}

// TestAheadRandom: reads anywhere ask for what they want.
func TestAheadRandom(t *testing.T) {
	w := newAhead(t, 1<<20)
	o := w.open()
	for range 500 {
		off := 1 + rand.Int64N(1<<20)
		if o.next == off {
			continue
		}
		if _, asked := w.read(o, off, 1+rand.IntN(100)); asked != 1 || o.ahead != 0 {
			t.Fatal("asked", asked, "ahead", o.ahead)
		}
	}
}

// TestAheadOld: what was read ahead isn't used when it may be old.
func TestAheadOld(t *testing.T) {
	for name, change := range map[string]func(w *aheadWorld){
		"later":   func(w *aheadWorld) { w.now += freshFor + 1 },
		"news":    func(w *aheadWorld) { w.news++ },
		"written": func(w *aheadWorld) { _, _, _ = w.open().Write(waiter{}, &buffer{[]byte("x")}, 9, false) },
		"much":    func(w *aheadWorld) { _, _, _ = w.open().Write(waiter{}, &buffer{make([]byte, 30000)}, 9, false) },
		"cut": func(w *aheadWorld) {
			_, _, e := node{w.fs, "", abi.S_IFDIR}.Create(waiter{}, "other", abi.O_RDWR|abi.O_TRUNC, 0)
			must(w.t, e)
		},
		"closed": func(w *aheadWorld) { w.fs.forget(w.fs.session.halves[0].of) },
		"lost":   func(w *aheadWorld) { w.fs.lost(w.fs.session) },
	} {
		w := newAhead(t, 100_000)
		o := w.open()
		if _, asked := w.read(o, 0, 4096); asked != 1 {
			t.Fatal("asked", asked)
		}
		if _, asked := w.read(o, 4096, 4096); asked != 0 {
			t.Fatal(name, "it isn't read ahead")
		}
		change(w)
		for i := range w.content { // by another program of the host's
			w.content[i]++
		}
		if name == "lost" {
			if _, e := o.Read(waiter{}, &buffer{make([]byte, 10)}, 8192); e != abi.EIO {
				t.Error("of a session that is no more:", e)
			}
			continue
		}
		if _, asked := w.read(o, 8192, 4096); asked != 1 {
			t.Error(name, "asked", asked)
		}
	}
}

// TestAheadMeanwhile: what changes while the host reads makes what it has read old.
func TestAheadMeanwhile(t *testing.T) {
	w := newAhead(t, 100_000)
	o := w.open()
	w.during = func() { w.fs.changed() }
	w.read(o, 0, 4096)
	w.during = nil
	if _, asked := w.read(o, 4096, 4096); asked != 1 {
		t.Error("asked", asked)
	}
}

// TestAheadTwo: the halves are those of the files that were read last.
func TestAheadTwo(t *testing.T) {
	w := newAhead(t, 100_000)
	a, b, c := w.open(), w.open(), w.open()
	for i, step := range []struct {
		o     *open
		off   int64
		asked int
	}{{a, 0, 1}, {b, 0, 1}, {a, 4096, 0}, {c, 0, 1}, {a, 8192, 0}, {b, 4096, 1}} {
		if _, asked := w.read(step.o, step.off, 4096); asked != step.asked {
			t.Error("step", i, "asked", asked)
		}
	}
	a.Close()
	b.Close()
	c.Close()
	for i := range w.fs.session.halves {
		if h := &w.fs.session.halves[i]; h.of != nil || h.busy {
			t.Error("a half is still somebody's")
		}
	}
}

// TestAheadBegun: what the service has begun isn't taken for data of now when it is old, is forgotten with its file, and
// doesn't come over what is written meanwhile.
func TestAheadBegun(t *testing.T) {
	const piece, half = 128 << 10, 256 << 10
	for name, change := range map[string]func(w *aheadWorld, o *open){
		"fresh": func(*aheadWorld, *open) {},
		"later": func(w *aheadWorld, _ *open) { w.now += freshFor + 1 },
		"news":  func(w *aheadWorld, _ *open) { w.news++ },
		"other": func(w *aheadWorld, _ *open) { w.read(w.open(), 0, half) },
		"written": func(w *aheadWorld, o *open) {
			if n, _, e := o.Write(waiter{}, &buffer{bytes.Repeat([]byte("w"), 2*half)}, 0, false); n != 2*half || e != 0 {
				w.t.Error("written", n, e)
			}
		},
		"closed": func(w *aheadWorld, o *open) {
			o.Close()
			for i := range w.fs.session.halves {
				if w.fs.session.halves[i].wanted() {
					w.t.Error("a half is still somebody's")
				}
			}
		},
	} {
		w := newAhead(t, 10*half)
		o := w.open()
		off := int64(0)
		for w.begun == nil {
			n, _ := w.read(o, off, piece)
			off, w.now = off+int64(n), w.now+10_000
		}
		for off < w.begun.off { // to where it goes on with what was begun
			n, _ := w.read(o, off, int(min(piece, w.begun.off-off)))
			off += int64(n)
		}
		was := w.begun
		change(w, o)
		if name == "fresh" {
			w.content = bytes.Clone(w.content)
			if w.read(o, off, piece); w.begun == was {
				t.Error("what was begun isn't used")
			}
			continue
		}
		for i := range w.content {
			w.content[i] += 3
		}
		if name == "closed" {
			o = w.open()
		}
		w.read(o, off, piece)
		w.read(o, off+piece, piece)
	}
}

func must(t *testing.T, e abi.Errno) {
	t.Helper()
	if e != 0 {
		t.Fatal(e)
	}
}
