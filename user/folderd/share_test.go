// SPDX-License-Identifier: Apache-2.0

//go:build linux

package folderd

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"loam/abi"
	"loam/user/ipc"
)

func TestShare(t *testing.T) {
	w := newWorld(t)
	memory := make([]byte, 10000)
	w.Shares = map[uint64]*Share{1: {Bytes: memory, Handle: ipc.Handle{Handle: 77}}}
	content := bytes.Repeat([]byte("0123456789"), 2000)
	must(t, os.WriteFile(filepath.Join(w.dir, "file"), content, 0o644))
	one, _ := w.attach(t, 1, 1)
	two, _ := w.attach(t, 1, 2)
	other, _ := w.attach(t, 3, 3)
	s := w.session
	file, _, err := s.Open(one, Root, "file", abi.O_RDWR, 0)
	must(t, err)
	if _, err := s.ReadTo(one, file, 0, 0, 10); !errors.Is(err, abi.EINVAL) {
		t.Error("read to memory that was not given:", err)
	}
	for range 2 {
		h, size, err := s.Share(one)
		if err != nil || h.Handle != 77 || size != 10000 {
			t.Fatal(h, size, err)
		}
	}
	if _, _, err := s.Share(two); !errors.Is(err, abi.EBUSY) {
		t.Error("memory that another session has:", err)
	}
	if _, _, err := s.Share(other); !errors.Is(err, abi.EBUSY) {
		t.Error("memory of another grant:", err)
	}
	if n, err := s.ReadTo(one, file, 5, 100, 20000); n != 9900 || err != nil || !bytes.Equal(memory[100:], content[5:9905]) {
		t.Error("read to it:", n, err)
	}
	if n, err := s.ReadTo(one, file, int64(len(content)), 0, 10); n != 0 || err != nil {
		t.Error("read at the end:", n, err)
	}
	for _, at := range []uint32{10000, 1 << 31} {
		if _, err := s.ReadTo(one, file, 0, at, 1); !errors.Is(err, abi.EINVAL) {
			t.Error("read to", at, err)
		}
	}
	copy(memory[50:], "written")
	if n, err := s.WriteFrom(one, file, 3, 50, 7); n != 7 || err != nil {
		t.Error("write from it:", n, err)
	}
	got, err := os.ReadFile(filepath.Join(w.dir, "file"))
	if copy(content[3:], "written"); err != nil || !bytes.Equal(got, content) {
		t.Error("the file is not what was written", err)
	}
	if _, err := s.ReadTo(one, 9, 0, 0, 1); !errors.Is(err, abi.EBADF) {
		t.Error("no file:", err)
	}
}

// TestShareAfterAnother wants the next session to get the memory when nothing of the one before it is left.
func TestShareAfterAnother(t *testing.T) {
	w := newWorld(t)
	w.Shares = map[uint64]*Share{1: {Bytes: make([]byte, 100)}}
	one, _ := w.attach(t, 1, 1)
	two, _ := w.attach(t, 1, 2)
	_, _, err := w.session.Share(one)
	must(t, err)
	n, err := w.Server.session(one)
	must(t, err)
	used := w.useShare(n) // as a call does
	w.ended[1]()
	delete(w.ended, 1)
	if _, _, err := w.session.Share(two); !errors.Is(err, abi.EBUSY) {
		t.Error("while a call of the last session's uses it:", err)
	}
	w.doneShare(used)
	if _, _, err := w.session.Share(two); err != nil {
		t.Error("after it:", err)
	}
}
