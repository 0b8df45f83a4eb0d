// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"loam/test/vm/vmtest"
	"loam/test/wasm"
)

// Files that are no programs for Loam: refused at once, with what they are.
func TestNoPrograms(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	r := vmtest.Run(t, filepath.Join(t.TempDir(), "missing"))
	r.WantReason(t, 127, "missing", "no such file")
	vmtest.Run(t, "").WantReason(t, 127)
	vmtest.Run(t, t.TempDir()).WantReason(t, 126, "directory")
	vmtest.Run(t, "/dev/null").WantReason(t, 126)
	hello, err := os.ReadFile(vmtest.Program(t, "hello"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 4, 16, 63, 64, 100, 500, 4096, len(hello) / 2} {
		r := vmtest.Run(t, vmtest.File(t, "short", hello[:n]))
		r.WantReason(t, 126, "short: ")
		r.WantStdout(t, 126, "")
	}
	for name, c := range map[string]struct {
		data []byte
		why  string
	}{
		"empty":           {nil, "empty"},
		"text":            {[]byte("this is not a program\n"), "not"},
		"script":          {[]byte("#!/bin/sh\necho hello\n"), "script"},
		"wat":             {[]byte("(module)"), "text form"},
		"zeros":           {make([]byte, 100_000), "not"},
		"random":          {randomBytes("r", 100_000), "not"},
		"windows":         {append([]byte("MZ"), make([]byte, 1000)...), "Windows"},
		"component":       {wasm.Component(), "component"},
		"missing import":  {wasm.MissingImport(), "emscripten_do_it"},
		"unknown WASI":    {wasm.UnknownWASI(), "fd_teleport"},
		"no _start":       {wasm.Library(), "_start"},
		"invalid code":    {wasm.Invalid(), ""},
		"truncated wasm":  {wasm.Hello()[:60], ""},
		"magic only":      {wasm.Hello()[:8], ""},
		"corrupted wasm":  {bytes.Replace(wasm.Hello(), []byte("fd_write"), []byte("fd_writf"), 1), "fd_writf"},
		"huge memory":     {wasm.HugeMemory(), ""},
		"start with args": {wasm.StartWithParameter(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := vmtest.Run(t, vmtest.File(t, "file", c.data))
			r.WantReason(t, 126, c.why)
			r.WantStdout(t, 126, "")
		})
	}
}

// Programs for other machines and systems.
func TestForeignPrograms(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, c := range []struct{ goos, goarch, why string }{
		{"linux", "loong64", "loong64"},
		{"linux", "arm64", "arm64"},
		{"linux", "386", "386"},
		{"windows", "amd64", "Windows"},
		{"darwin", "arm64", "macOS"},
		{"freebsd", "amd64", "FreeBSD"},
	} {
		t.Run(c.goos+"/"+c.goarch, func(t *testing.T) {
			r := vmtest.Run(t, vmtest.Foreign(t, c.goos, c.goarch, "hello"))
			r.WantReason(t, 126, c.why)
			r.WantStdout(t, 126, "")
		})
	}
}

// ELF files that lie.
func TestBadELF(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const page = 4096
	code := exitCode(0)
	text := vmtest.Segment{Addr: 0x400000, Data: code}
	data := func(s vmtest.Segment) []vmtest.Segment {
		if s.Flags == 0 {
			s.Flags = vmtest.R | vmtest.W
		}
		if s.Data == nil {
			s.Data = make([]byte, 16)
		}
		return []vmtest.Segment{text, s}
	}
	many := []vmtest.Segment{text}
	for i := range uint64(40) {
		many = append(many, vmtest.Segment{Addr: 0x1000000 + i<<16, Data: code})
	}
	for name, e := range map[string]vmtest.ELF{
		"no segments":             {Entry: 0x400000},
		"overlapping":             {Segments: data(vmtest.Segment{Addr: 0x400000})},
		"on one page":             {Segments: data(vmtest.Segment{Addr: 0x400800})},
		"overlapping by its size": {Segments: []vmtest.Segment{{Addr: 0x400000, Data: code, Size: 1 << 20}, {Addr: 0x410000, Data: code}}},
		"in the kernel":           {Segments: data(vmtest.Segment{Addr: 0xffffffff80201000})},
		"in the direct map":       {Segments: data(vmtest.Segment{Addr: upperHalf()})},
		"not canonical":           {Segments: data(vmtest.Segment{Addr: -upperHalf()})},
		"over the limit":          {Segments: data(vmtest.Segment{Addr: userLimit() - page, Size: 2 * page})},
		"on the last page":        {Segments: data(vmtest.Segment{Addr: userLimit()})},
		"page zero":               {Segments: data(vmtest.Segment{Addr: 0})},
		"huge":                    {Segments: data(vmtest.Segment{Addr: 0x600000, Size: 1 << 62})},
		"wrapping":                {Segments: data(vmtest.Segment{Addr: 0x600000, Size: 1<<64 - 0x600000})},
		"more file than memory":   {Segments: data(vmtest.Segment{Addr: 0x600000, FileSize: 64, Size: 16})},
		"beyond the file":         {Segments: data(vmtest.Segment{Addr: 0x600000, Offset: 1 << 30})},
		"offset wrapping":         {Segments: data(vmtest.Segment{Addr: 0x600000, Offset: 1<<64 - page})},
		"length beyond the file":  {Segments: data(vmtest.Segment{Addr: 0x600000, FileSize: 1 << 40, Size: 1 << 40})},
		"offset not congruent":    {Segments: data(vmtest.Segment{Addr: 0x600100, Offset: page})},
		"writable code":           {Segments: data(vmtest.Segment{Addr: 0x600000, Flags: 7})},
		"too many segments":       {Segments: many},
		"entry outside":           {Entry: 0x10, Segments: []vmtest.Segment{text}},
		"entry in data":           {Entry: 0x600000, Segments: data(vmtest.Segment{Addr: 0x600000})},
		"entry in the kernel":     {Entry: 0xffffffff80201000, Segments: []vmtest.Segment{text}},
		"entry not canonical":     {Entry: -upperHalf(), Segments: []vmtest.Segment{text}},
		"dynamic": {Segments: []vmtest.Segment{text,
			{Type: 3, Flags: vmtest.R, Addr: 0x500000, Data: []byte("/lib64/ld-linux-x86-64.so.2\x00")}}},
		"object file":    {Type: 1, Segments: []vmtest.Segment{text}},
		"core dump":      {Type: 4, Segments: []vmtest.Segment{text}},
		"unknown type":   {Type: 77, Segments: []vmtest.Segment{text}},
		"other machine":  {Machine: 8, Segments: []vmtest.Segment{text}},
		"no machine yet": {Machine: 60000, Segments: []vmtest.Segment{text}},
	} {
		t.Run(name, func(t *testing.T) {
			r := vmtest.Run(t, vmtest.File(t, "bad", e.Bytes()))
			r.WantReason(t, 126, "bad: ")
			r.WantStdout(t, 126, "")
		})
	}
	// More memory than the machine has is another thing: the file is good, and
	// memory that is not touched costs nothing.
	t.Run("larger than memory", func(t *testing.T) {
		e := vmtest.ELF{Segments: data(vmtest.Segment{Addr: 0x600000, Size: 1 << 34})}
		vmtest.Run(t, "-m", "32M", vmtest.File(t, "big", e.Bytes())).WantStdout(t, 0, "")
	})
	t.Run("file larger than memory", func(t *testing.T) {
		e := vmtest.ELF{Segments: data(vmtest.Segment{Addr: 0x600000, Data: make([]byte, 40<<20)})}
		r := vmtest.Run(t, "-m", "32M", vmtest.File(t, "big", e.Bytes()))
		r.WantReason(t, 125)
	})
}
