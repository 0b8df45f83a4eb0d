// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// stub is a kernel but for its entry.
var stub = map[string]string{
	"go.mod":         "module loam\n\ngo 1.26.0\n",
	"kernel/main.go": "package main\n\nimport \"loam/machine/metal\"\n\nfunc main() { metal.Keep() }\n",
	"machine/metal/metal.go": `package metal

func start()

// Keep gives start a reference, or the linker drops it.
var Keep = start
`,
}

// stubAMD64 is an entry that writes, with no stack, "ok" to port 0xe9 if it
// finds what the trampoline promises, and ends the machine by isa-debug-exit.
const stubAMD64 = `#include "textflag.h"

TEXT ·start(SB), NOSPLIT|NOFRAME, $0
	MOVQ $0x31474d494d414f4c, AX // RSI: the image header
	CMPQ (SI), AX
	JNE  bad
	MOVQ $0xffff800000000000, BX // RDI: start info, read through the early direct map
	ADDQ DI, BX
	CMPL (BX), $0x336ec578
	JNE  bad
	MOVQ CR0, AX
	ANDL $0x80010001, AX // PG, WP, PE
	CMPL AX, $0x80010001
	JNE  bad
	MOVW $0xe9, DX
	MOVB $0x6f, AX
	OUTB
	MOVB $0x6b, AX
	OUTB
	MOVL $0x10, AX
	JMP  out
bad:
	MOVL $0x12, AX
out:
	MOVW $0xf4, DX
	OUTL
halt:
	HLT
	JMP  halt
`

// link links the stub with the stock toolchain, as the build does.
func link(t *testing.T) []byte {
	return linkFor(t, "amd64", "machine/metal/start_amd64.s", stubAMD64)
}

func linkFor(t *testing.T, arch, entryFile, entry string) []byte {
	t.Helper()
	return linkFiles(t, arch, map[string]string{entryFile: entry})
}

// linkFiles links the stub with other files beside or instead of its own.
func linkFiles(t *testing.T, arch string, others map[string]string) []byte {
	t.Helper()
	if testing.Short() {
		t.Skip("links a program")
	}
	dir := t.TempDir()
	files := maps.Clone(stub)
	maps.Copy(files, others)
	for name, text := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", "k.elf",
		"-ldflags", "-w "+LinkFlags, "./kernel")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0",
		"GOFLAGS=-buildvcs=false", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	linked, err := os.ReadFile(filepath.Join(dir, "k.elf"))
	if err != nil {
		t.Fatal(err)
	}
	return linked
}

// TestBoot links a stub kernel and boots its image on both machines, and on a
// CPU that the trampoline has to refuse.
func TestBoot(t *testing.T) {
	img, err := Build(link(t))
	if err != nil {
		t.Fatal(err)
	}
	reread(t, img)
	qemu, err := exec.LookPath("qemu-system-x86_64")
	if err != nil {
		t.Skip(err)
	}
	kernel := filepath.Join(t.TempDir(), "kernel")
	if err := os.WriteFile(kernel, img, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		machine, cpu, device string
		exit                 int // isa-debug-exit: 2*value + 1
		output               string
	}{
		{"microvm", "qemu64", "isa-debugcon,iobase=0xe9", 33, "ok"},
		{"q35", "qemu64", "isa-debugcon,iobase=0xe9", 33, "ok"},
		{"microvm", "pentium3", "isa-serial", 35, noLongMode},
		{"q35", "qemu64,nx=off", "isa-serial", 35, noLongMode},
	} {
		t.Run(c.machine+" "+c.cpu, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, qemu, "-M", c.machine, "-accel", "tcg", "-cpu", c.cpu, "-m", "16",
				"-kernel", kernel, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
				"-chardev", "stdio,id=out", "-device", c.device+",chardev=out",
				"-device", "isa-debug-exit,iobase=0xf4,iosize=4")
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != c.exit || stdout.String() != c.output {
				t.Errorf("%v with output %q, want exit status %d with %q\n%s", err, stdout.String(), c.exit, c.output, stderr.String())
			}
		})
	}
}
