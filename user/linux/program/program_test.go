// SPDX-License-Identifier: Apache-2.0

package program

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"loam/abi"
	"loam/loader"
)

// memory is a process's memory as pieces make it.
type memory map[uint64]byte

func (m memory) place(s *Start, object []byte) {
	for _, p := range s.Map {
		if p.Own {
			continue
		}
		for i := range p.Size {
			m[p.Addr+i] = object[p.Offset+i]
		}
	}
}

func none(uint) uint64 { return 0 }

// TestPlan lays out a program as Go's linker makes it, and compares memory with what package debug/elf
// says.
func TestPlan(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\nvar b [100_000]byte\nfunc main() { println(len(b)) }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	build := exec.Command("go", "build", "-o", out, source)
	build.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := build.CombinedOutput(); err != nil {
		t.Skipf("no program: %v\n%s", err, text)
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	target := loader.TargetFor(loader.AMD64)
	img, errno := Parse(file, target)
	if errno != 0 {
		t.Fatal(errno)
	}
	object := make([]byte, img.Size)
	copy(object, file)
	img.Finish(object)
	args := [][]byte{[]byte("out\x00"), []byte("\x00"), []byte("two words\x00")}
	s, errno := Plan(img, target, args, [][]byte{[]byte("A=1\x00")}, "/bin/out", IDs{UID: 7, EUID: 8, GID: 9, EGID: 9}, none)
	if errno != 0 {
		t.Fatal(errno)
	}
	m := memory{}
	m.place(s, object)
	f, err := elf.NewFile(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		want := make([]byte, p.Memsz)
		copy(want, file[p.Off:p.Off+p.Filesz])
		for i, b := range want {
			if m[p.Vaddr+uint64(i)] != b {
				t.Fatalf("%#x: %#x, want %#x", p.Vaddr+uint64(i), m[p.Vaddr+uint64(i)], b)
			}
		}
	}
	if s.Entry != f.Entry {
		t.Errorf("entry %#x, want %#x", s.Entry, f.Entry)
	}
	checkStack(t, s)
}

// checkStack reads a stack as a program does.
func checkStack(t *testing.T, s *Start) {
	t.Helper()
	s.Aux(abi.ProcessReplaced{VDSO: 0x7000_0000, HWCap: 5, MinSignal: 2048})
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(s.Bytes[8*i:]) }
	text := func(at uint64) string {
		b, _, ok := bytes.Cut(s.Bytes[at-s.Stack:], []byte{0})
		if !ok {
			t.Errorf("%#x has no end", at)
		}
		return string(b)
	}
	if s.Stack%16 != 0 || word(0) != 3 {
		t.Fatalf("stack at %#x with %d arguments", s.Stack, word(0))
	}
	for i, want := range []string{"out", "", "two words"} {
		if got := text(word(1 + i)); got != want {
			t.Errorf("argument %d: %q", i, got)
		}
	}
	if word(4) != 0 || text(word(5)) != "A=1" || word(6) != 0 {
		t.Error("environment")
	}
	aux := map[uint64]uint64{}
	for i := 7; word(i) != abi.AT_NULL; i += 2 {
		aux[word(i)] = word(i + 1)
	}
	if text(aux[abi.AT_EXECFN]) != "/bin/out" || aux[abi.AT_SYSINFO_EHDR] != 0x7000_0000 || aux[abi.AT_ENTRY] != s.Entry || aux[abi.AT_HWCAP] != 5 {
		t.Errorf("%x", aux)
	}
	if aux[abi.AT_UID] != 7 || aux[abi.AT_EUID] != 8 || aux[abi.AT_GID] != 9 || aux[abi.AT_EGID] != 9 || aux[abi.AT_SECURE] != 1 {
		t.Errorf("ids: %x", aux)
	}
}

func TestTooLong(t *testing.T) {
	img := &Image{}
	long := bytes.Repeat([]byte{'x'}, MaxStrings/4)
	if _, e := Plan(img, loader.TargetFor(loader.AMD64), [][]byte{long, long, long}, nil, "x", IDs{}, none); e != 0 {
		t.Error(e)
	}
	if _, e := Plan(img, loader.TargetFor(loader.AMD64), [][]byte{long, long}, [][]byte{long, long}, "x", IDs{}, none); e != abi.E2BIG {
		t.Error(e)
	}
	if _, e := Parse([]byte("#!/bin/sh\n"), loader.TargetFor(loader.AMD64)); e != abi.ENOEXEC {
		t.Error(e)
	}
}

func TestScript(t *testing.T) {
	long := "#!" + string(bytes.Repeat([]byte{'x'}, 300))
	for _, c := range []struct {
		head, interpreter, argument string
		ok                          bool
		e                           abi.Errno
	}{
		{"#!/bin/sh\necho", "/bin/sh", "", true, 0},
		{"#! /bin/sh -e  \n", "/bin/sh", "-e", true, 0},
		{"#!\t/bin/env\tgo run\n", "/bin/env", "go run", true, 0},
		{"#!/bin/sh", "/bin/sh", "", true, 0},
		{"#!\n", "", "", true, abi.ENOEXEC},
		{"#!  ", "", "", true, abi.ENOEXEC},
		{"#", "", "", false, 0},
		{"", "", "", false, 0},
		{"\x7fELF", "", "", false, 0},
		{long, "", "", true, abi.ENOEXEC},
		{long[:100] + " arg" + long[:200], long[2:100], ("arg" + long)[:ScriptLine-101], true, 0},
	} {
		i, a, ok, e := Script([]byte(c.head))
		if i != c.interpreter || a != c.argument || ok != c.ok || e != c.e {
			t.Errorf("%q: %q %q %v %v", c.head, i, a, ok, e)
		}
	}
}
