// SPDX-License-Identifier: Apache-2.0

package payload

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestUnknownArchitecture(t *testing.T) {
	if _, err := Kernel("pdp11"); !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "pdp11") {
		t.Errorf("Kernel: %v, want ErrNotBuilt that names the architecture", err)
	}
	if _, err := Program("wasi", "pdp11"); !errors.Is(err, ErrNotBuilt) || !strings.Contains(err.Error(), "wasi for pdp11") {
		t.Errorf("Program: %v, want ErrNotBuilt that names program and architecture", err)
	}
	if _, err := Program("../payload", "go"); err == nil {
		t.Error("Program left its folder")
	}
}

// What is there must be what its name says; on a fresh clone nothing is.
func TestContent(t *testing.T) {
	for _, load := range []func() ([]byte, error){
		func() ([]byte, error) { return Kernel("amd64") },
		func() ([]byte, error) { return Program("wasi", "amd64") },
	} {
		b, err := load()
		switch {
		case errors.Is(err, ErrNotBuilt):
			t.Log(err)
		case err != nil:
			t.Error(err)
		case !bytes.HasPrefix(b, []byte("\x7fELF\x02\x01")):
			t.Errorf("not a 64-bit ELF: begins with %q", b[:min(len(b), 8)])
		}
	}
}
