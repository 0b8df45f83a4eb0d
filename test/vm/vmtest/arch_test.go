// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"debug/elf"
	"strings"
	"testing"
)

func TestWithArch(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"run prog":              "run --arch riscv64 prog",
		"run -v prog --x":       "run --arch riscv64 -v prog --x",
		"boot --for 1s":         "boot --arch riscv64 --for 1s",
		"run --arch amd64 prog": "run --arch amd64 prog",
		"run --arch=amd64 prog": "run --arch=amd64 prog",
		"doctor":                "doctor",
	} {
		args := strings.Fields(in)
		if got := strings.Join(withArch(args, "riscv64", ""), " "); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		if got := strings.Join(withArch(args, "amd64", "opensbi"), " "); got != in {
			t.Errorf("%q became %q for amd64", in, got)
		}
	}
	for in, want := range map[string]string{
		"run prog":                      "run --arch riscv64 --firmware opensbi prog",
		"run --firmware none prog":      "run --arch riscv64 --firmware none prog",
		"run --arch amd64 prog":         "run --arch amd64 prog",
		"boot --firmware=none --for 1s": "boot --arch riscv64 --firmware=none --for 1s",
	} {
		if got := strings.Join(withArch(strings.Fields(in), "riscv64", "opensbi"), " "); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestArch(t *testing.T) {
	for set, want := range map[string]elf.Machine{"": elf.EM_X86_64, "amd64": elf.EM_X86_64, "riscv64": elf.EM_RISCV} {
		t.Setenv(ArchVariable, set)
		e := ELF{Segments: []Segment{{Addr: 0x400000, Data: []byte("code")}}}
		f, err := elf.NewFile(bytes.NewReader(e.Bytes()))
		if err != nil || f.Machine != want {
			t.Errorf("%q: %v, %v", set, f, err)
		}
	}
}
