// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"strings"
	"sync"
)

// Tail is an io.Writer that keeps the last bytes written to it: the log of a
// guest may be endless. It is safe for concurrent use.
type Tail struct {
	mu sync.Mutex
	// mu must be held when using these:
	buf   []byte // ring
	start int    // of the oldest byte, once full
	full  bool
}

// NewTail returns a Tail of size bytes.
func NewTail(size int) *Tail { return &Tail{buf: make([]byte, 0, size)} }

// Write implements io.Writer; it never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if over := len(p) - cap(t.buf); over > 0 {
		p = p[over:]
	}
	if room := cap(t.buf) - len(t.buf); room > 0 {
		k := min(room, len(p))
		t.buf = append(t.buf, p[:k]...)
		p = p[k:]
	}
	for len(p) > 0 {
		k := copy(t.buf[t.start:], p)
		t.start = (t.start + k) % len(t.buf)
		p = p[k:]
		t.full = true
	}
	return n, nil
}

// Bytes returns a copy of what is kept, oldest first.
func (t *Tail) Bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := append([]byte(nil), t.buf[t.start:]...)
	return append(b, t.buf[:t.start]...)
}

// Lines returns the last n non-empty lines as text that is safe to show.
func (t *Tail) Lines(n int) []string {
	var out []string
	for _, l := range strings.Split(string(t.Bytes()), "\n") {
		if l = strings.TrimRight(Printable(l), " "); l != "" {
			out = append(out, l)
		}
	}
	if len(out) > n {
		out = out[len(out)-n:]
	}
	return out
}

// Printable returns s without what could drive a terminal: control characters
// and bytes that are not UTF-8. A guest's texts are shown only through it.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0xfffd, r == 0x2028, r == 0x2029, r == 0xfeff,
			r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}
