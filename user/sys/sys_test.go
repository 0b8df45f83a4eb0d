// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sys

import (
	"bytes"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
)

type holder struct {
	before int
	reader io.Reader
	after  int
}

func TestSetField(t *testing.T) {
	h := holder{before: 1, after: 2}
	r := bytes.NewReader([]byte("x"))
	if err := SetField(&h, "reader", r); err != nil {
		t.Fatal(err)
	}
	if h.reader != io.Reader(r) || h.before != 1 || h.after != 2 {
		t.Fatalf("struct is %+v", h)
	}
	for name, err := range map[string]error{
		"by value":      SetField(h, "reader", r),
		"nil pointer":   SetField((*holder)(nil), "reader", r),
		"no such field": SetField(&h, "writer", r),
		"not interface": SetField(&h, "before", 7),
		"wrong type":    SetField(&h, "reader", 7),
		"nil value":     SetField(&h, "reader", nil),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if h.reader != io.Reader(r) || h.before != 1 || h.after != 2 {
		t.Fatalf("a refused call changed the struct to %+v", h)
	}
}

func TestBootFileElsewhere(t *testing.T) {
	if _, err := BootFile("module"); !errors.Is(err, syscall.ENOSYS) {
		t.Fatalf("BootFile on a foreign kernel: %v, want ENOSYS", err)
	}
}

func TestRandom(t *testing.T) {
	a, b := make([]byte, 1000), make([]byte, 1000)
	if err := errors.Join(Random(a), Random(b), Random(nil)); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(a, b) || bytes.Equal(a[900:], make([]byte, 100)) {
		t.Fatal("not random, or not filled to the end")
	}
}

func TestStream(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := bytes.Repeat([]byte{0, 1, 0xff, '\n'}, 50_000) // more than a pipe holds
	go func() {
		Stream(w.Fd()).Write(want)
		w.Close()
	}()
	got, err := io.ReadAll(Stream(r.Fd()))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, %v; want %d", len(got), err, len(want))
	}
	if n, err := Stream(-1).Write([]byte("x")); n != 0 || err == nil {
		t.Fatalf("write to a bad descriptor: %d, %v", n, err)
	}
	if _, err := Stream(-1).Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Fatalf("read from a bad descriptor: %v", err)
	}
}
