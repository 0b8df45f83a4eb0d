// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// guest calls functions as a module would. What it passes lies in the first half of its memory, results in the second.
type guest struct {
	t *testing.T
	s *System
	m memory
}

const (
	textAt   = 0
	otherAt  = 0x1000
	vectorAt = 0x2000
	bufferAt = 0x3000
	resultAt = 0x8000
)

// ends is a reader of random numbers that are none.
type ends struct{}

func (ends) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// newGuest makes a guest with a folder, descriptor 3, and a configuration that the test changes.
func newGuest(t *testing.T, dir string, change ...func(*Config)) *guest {
	t.Helper()
	c := Config{Args: []string{"a.wasm"}, Stdin: strings.NewReader("input"), Stdout: &bytes.Buffer{}, Stderr: io.Discard, Random: ends{}}
	if dir != "" {
		c.Folders = []Folder{{Path: dir, Name: "/"}}
	}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, d := range s.table {
			if d != nil {
				d.close()
			}
		}
	})
	return &guest{t, s, make(memory, 0x10000)}
}

// call calls a function by its name.
func (g *guest) call(name string, p ...uint64) Errno {
	g.t.Helper()
	for _, f := range functions {
		if f.name == name {
			if len(p) != len(f.params) {
				g.t.Fatalf("%s has %d parameters", name, len(f.params))
			}
			defer g.s.release()
			return f.call(g.s, g.m, p)
		}
	}
	g.t.Fatalf("no function %s", name)
	return 0
}

// must calls a function and wants an error, 0 for none.
func (g *guest) must(want Errno, name string, p ...uint64) {
	g.t.Helper()
	if e := g.call(name, p...); e != want {
		g.t.Errorf("%s(%v): error %d, not %d", name, p, e, want)
	}
}

// text puts a text into memory, and is where it is and how long.
func (g *guest) text(at uint64, s string) (uint64, uint64) {
	copy(g.m[at:], s)
	return at, uint64(len(s))
}

// vector makes a list of one buffer.
func (g *guest) vector(n int) {
	binary.LittleEndian.PutUint32(g.m[vectorAt:], bufferAt)
	binary.LittleEndian.PutUint32(g.m[vectorAt+4:], uint32(n))
}

func (g *guest) result() uint64 { return uint64(binary.LittleEndian.Uint32(g.m[resultAt:])) }

// open opens a path below descriptor 3.
func (g *guest) open(path string, follow, how uint64, base rights, flags uint64) (uint64, Errno) {
	at, n := g.text(textAt, path)
	e := g.call("path_open", 3, follow, at, n, how, uint64(base), 0, flags, resultAt)
	return g.result(), e
}

// read reads at most n bytes.
func (g *guest) read(fd uint64, n int) (string, Errno) {
	g.vector(n)
	e := g.call("fd_read", fd, vectorAt, 1, resultAt)
	return string(g.m[bufferAt:][:g.result()]), e
}

// write writes a text.
func (g *guest) write(fd uint64, s string) Errno {
	g.text(bufferAt, s)
	g.vector(len(s))
	return g.call("fd_write", fd, vectorAt, 1, resultAt)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
