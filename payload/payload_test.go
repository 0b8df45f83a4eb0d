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
	const elf64 = "\x7fELF\x02\x01"
	for name, c := range map[string]struct {
		load func() ([]byte, error)
		at   int
		want string
	}{
		"amd64's kernel":    {func() ([]byte, error) { return Kernel("amd64") }, 0, elf64},
		"amd64's program":   {func() ([]byte, error) { return Program("wasi", "amd64") }, 0, elf64},
		"riscv64's kernel":  {func() ([]byte, error) { return Kernel("riscv64") }, 0x30, "RISCV\x00\x00\x00"},
		"riscv64's program": {func() ([]byte, error) { return Program("wasi", "riscv64") }, 0, elf64},
	} {
		b, err := c.load()
		switch {
		case errors.Is(err, ErrNotBuilt):
			t.Log(err)
		case err != nil:
			t.Error(err)
		case len(b) < c.at || !bytes.HasPrefix(b[c.at:], []byte(c.want)):
			t.Errorf("%s: begins with %q", name, b[:min(len(b), 64)])
		}
	}
}
