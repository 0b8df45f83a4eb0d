// SPDX-License-Identifier: Apache-2.0

package program

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"loam/host/exit"
)

// executable returns a small executable: one segment, entry inside it.
func executable(change func(b []byte)) []byte {
	b := make([]byte, 0x1000)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(b[16:], 2)
	le.PutUint16(b[18:], 62)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[24:], 0x400100)
	le.PutUint64(b[32:], 64)
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], 1)
	p := b[64:]
	le.PutUint32(p, 1)
	le.PutUint32(p[4:], 5)
	le.PutUint64(p[16:], 0x400000)
	le.PutUint64(p[32:], 0x1000)
	le.PutUint64(p[40:], 0x1000)
	le.PutUint64(p[48:], 0x1000)
	if change != nil {
		change(b)
	}
	return b
}

const wasmHead = "\x00asm\x01\x00\x00\x00"

// wasm returns a module with an import and an exported function.
func wasm(module, name, export string) string {
	str := func(s string) string { return string(rune(len(s))) + s }
	section := func(id byte, body string) string { return string(rune(id)) + string(rune(len(body))) + body }
	s := wasmHead + section(1, "\x01\x60\x00\x00")
	if module != "" {
		s += section(2, "\x01"+str(module)+str(name)+"\x00\x00")
	}
	s += section(3, "\x01\x00")
	if export != "" {
		s += section(7, "\x01"+str(export)+"\x00\x00")
	}
	return s + section(10, "\x01\x02\x00\x0b")
}

func TestSniff(t *testing.T) {
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		data string
		kind Kind
		want string // in the error; empty: it can be run
	}{
		"native":        {string(executable(nil)), Native, ""},
		"module":        {wasm("wasi_snapshot_preview1", "proc_exit", "_start"), Wasm, ""},
		"no imports":    {wasm("", "", "_start"), Wasm, ""},
		"empty":         {"", 0, "empty"},
		"one byte":      {"\x7f", 0, "truncated"},
		"ELF cut short": {string(executable(nil)[:40]), 0, "truncated"},
		"table cut off": {string(executable(func(b []byte) { le.PutUint64(b[32:], 0x1000-20) })), 0, ""},
		"arm64":         {string(executable(func(b []byte) { le.PutUint16(b[18:], 183) })), 0, "is for arm64, not amd64 or riscv64"},
		"riscv64":       {string(executable(func(b []byte) { le.PutUint16(b[18:], 243) })), Native, ""},
		"too high for riscv64": {string(executable(func(b []byte) {
			le.PutUint16(b[18:], 243)
			le.PutUint64(b[24:], 1<<40+0x100)
			le.PutUint64(b[64+16:], 1<<40)
		})), 0, "address"},
		"32 bits":      {string(executable(func(b []byte) { b[4] = 1; le.PutUint16(b[18:], 3) })), 0, "32-bit"},
		"big-endian":   {string(executable(func(b []byte) { b[5] = 2 })), 0, "endian"},
		"FreeBSD":      {string(executable(func(b []byte) { b[7] = 9 })), 0, "GOOS=linux"},
		"object file":  {string(executable(func(b []byte) { le.PutUint16(b[16:], 1) })), 0, "object file"},
		"dynamic":      {string(executable(func(b []byte) { le.PutUint32(b[64:], 3) })), 0, "dynamic linker"},
		"huge segment": {string(executable(func(b []byte) { le.PutUint64(b[64+40:], 1<<62) })), 0, "address"},
		"script":       {"#!/bin/sh\necho\n", 0, "script"},
		"Windows":      {"MZ\x90", 0, "Windows"},
		"macOS":        {"\xcf\xfa\xed\xfe1234", 0, "macOS"},
		"text":         {"hello", 0, "not an ELF file"},
		"wat":          {"\n (module (func))", 0, "wat2wasm"},
		"component":    {"\x00asm\x0d\x00\x01\x00", 0, "component"},
		"wasm 2":       {"\x00asm\x02\x00\x00\x00", 0, "version"},
		"magic only":   {"\x00asm", 0, "ends after 4 bytes"},
		"bad section":  {wasmHead + "\x01\xff\xff\xff\xff\x0f", 0, "malformed"},
		"cut module":   {wasm("", "", "_start")[:20], 0, "malformed"},
		"strange import": {wasm("env", "launch_missiles", "_start"), 0,
			"env.launch_missiles, which nobody provides"},
		"preview 0": {wasm("wasi_unstable", "fd_write", "_start"), 0, "preview 0"},
		"library":   {wasm("", "", "add"), 0, "_start"},
		"bare":      {wasmHead, 0, "_start"},
	} {
		t.Run(name, func(t *testing.T) {
			kind, arch, err := Sniff([]byte(c.data))
			if name == "table cut off" { // any reason will do
				if err == nil {
					t.Fatal("accepted")
				}
				return
			}
			if c.want == "" {
				want := map[string]string{"native": "amd64", "riscv64": "riscv64"}[name]
				if err != nil || kind != c.kind || arch != want {
					t.Fatalf("kind %d for %q, %v", kind, arch, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	if err := os.WriteFile(good, executable(nil), 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := Load(good); err != nil || p.Kind != Native || p.Arch != "amd64" || len(p.Data) != 0x1000 {
		t.Fatalf("good: %v", err)
	}
	sparse := filepath.Join(dir, "sparse")
	f, err := os.Create(sparse)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(MaxSize + 1); err != nil {
		t.Skip(err)
	}
	f.Close()
	for path, c := range map[string]struct {
		code int
		want string
	}{
		"":                           {127, "empty"},
		"no-such-program":            {127, "no such file"},
		filepath.Join(dir, "absent"): {127, "no such file"},
		good + "/x":                  {126, "not a directory"},
		dir:                          {126, "directory"},
		"/dev/null":                  {126, "device"},
		sparse:                       {126, "larger than 1024 MiB"},
	} {
		_, err := Load(path)
		if err == nil || exit.Code(err) != c.code || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %d %v", path, exit.Code(err), err)
		}
	}
}

func TestPipe(t *testing.T) {
	if _, err := exec.LookPath("mkfifo"); err != nil {
		t.Skip(err)
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := exec.Command("mkfifo", fifo).Run(); err != nil {
		t.Skip(err)
	}
	go func() { _ = os.WriteFile(fifo, []byte(wasm("", "", "_start")), 0o600) }()
	if p, err := Load(fifo); err != nil || p.Kind != Wasm {
		t.Fatal(err)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add(executable(nil))
	f.Add([]byte(wasm("wasi_snapshot_preview1", "proc_exit", "_start")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, _, err := Sniff(b); err != nil && strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Fatalf("an error not fit for a line: %q", err)
		}
	})
}
