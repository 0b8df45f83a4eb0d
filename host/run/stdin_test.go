// SPDX-License-Identifier: Apache-2.0

package run

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestInputEnded: what is known of the end of input without reading any.
func TestInputEnded(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("ab"), 0o666); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	check := func(what string, f *os.File, want bool) {
		t.Helper()
		if got := inputEnded(f); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	check("nothing", nil, true)
	check("the null device", null, true)
	check("a file", file, false)
	if _, err := io.Copy(io.Discard, file); err != nil {
		t.Fatal(err)
	}
	check("a file that was read", file, true)
	check("an open pipe", r, false)
	if _, err := w.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	check("a pipe with its last byte", r, false)
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	check("a closed pipe", r, true)
}
