// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestWriteIfChanged(t *testing.T) {
	name := filepath.Join(t.TempDir(), "new", "file")
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i, c := range []struct {
		data    string
		written bool
	}{{"one", true}, {"one", false}, {"two", true}, {"", true}, {"", false}} {
		size, err := writeIfChanged(name, []byte(c.data))
		if err != nil || size != int64(len(c.data)) {
			t.Fatalf("%d: size %d, error %v", i, size, err)
		}
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if written := !info.ModTime().Equal(long); written != c.written {
			t.Errorf("%d: written %v, want %v", i, written, c.written)
		}
		if got, _ := os.ReadFile(name); string(got) != c.data {
			t.Errorf("%d: file has %q", i, got)
		}
		if err := os.Chtimes(name, long, long); err != nil {
			t.Fatal(err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), "*")); len(left) != 1 {
		t.Errorf("left behind: %q", left)
	}
}

func TestDispatch(t *testing.T) {
	for args, want := range map[string]string{
		"frob":             `no target "frob"`,
		"build x":          "build takes no arguments",
		"image":            "image: 0 arguments, want 1",
		"image a":          "-o OUT is missing",
		"image -o a":       "image: 0 arguments",
		"kernel here":      "kernel: 1 arguments, want 0",
		"kernel -arch vax": "-arch vax: there is no such architecture",
	} {
		if err := dispatch(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", args, err, want)
		}
	}
	name := filepath.Join(t.TempDir(), "empty.elf")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := dispatch([]string{"image", "-o", name + ".out", name})
	if err == nil || !strings.Contains(err.Error(), name+": kernel ELF:") {
		t.Errorf("error %v, want one that names the file", err)
	}
	if _, err := os.Stat(name + ".out"); err == nil {
		t.Error("a file was written for a kernel that is none")
	}
}

func TestParseFlagsCode(t *testing.T) {
	fs := flag.NewFlagSet("x", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	var code exitCode
	if err := parseFlags(fs, []string{"-nope"}, 0); !errors.As(err, &code) || code != 2 {
		t.Errorf("error %v, want exit code 2", err)
	}
}

func TestRoot(t *testing.T) {
	b, err := newBuilder() // from the package's own folder
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.path("build/main.go")); err != nil {
		t.Errorf("root is %s: %v", b.root, err)
	}
	t.Setenv("LOAM_ROOT", t.TempDir())
	if _, err := newBuilder(); err == nil || !strings.Contains(err.Error(), "not inside Loam's repository") {
		t.Errorf("outside the repository: error %v", err)
	}
}

// TestArchitectures: what is built is known to all parts of the build.
func TestArchitectures(t *testing.T) {
	for _, arch := range arches {
		if err := checkArch(arch); err != nil || starts[arch] == nil || kinds[arch] == "" {
			t.Error(arch, err)
		}
	}
	for args, want := range map[string]string{"": "amd64", "-arch riscv64": "riscv64", "-arch amd64": "amd64"} {
		fs := flag.NewFlagSet("x", flag.ContinueOnError)
		arch := archFlag(fs)
		if err := fs.Parse(strings.Fields(args)); err != nil || *arch != want {
			t.Errorf("%q: %s, %v", args, *arch, err)
		}
	}
	fs := flag.NewFlagSet("x", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	archFlag(fs)
	if fs.Parse([]string{"-arch", "vax"}) == nil {
		t.Error("vax was taken")
	}
	b := &builder{root: "/r"}
	if env := strings.Join(b.checkedEnv("riscv64", "2"), " "); env !=
		"LOAM=/r/build/out/checked/loam LOAM_ARCH=riscv64 LOAM_CPUS=2 LOAM_KERNEL=/r/build/out/checked/kernel-riscv64" {
		t.Error(env)
	}
}

// TestRunChecks: every check runs, and one failure fails the whole.
func TestRunChecks(t *testing.T) {
	ran := 0
	pass := check{"passes", func() error { ran++; return nil }}
	fail := check{"fails", func() error { ran++; return io.EOF }}
	if err := runChecks("test", []check{pass, pass}); err != nil || ran != 2 {
		t.Errorf("error %v after %d checks", err, ran)
	}
	var code exitCode
	if err := runChecks("test", []check{fail, pass}); !errors.As(err, &code) || code != 1 || ran != 4 {
		t.Errorf("error %v after %d checks, want exit code 1 after 4", err, ran)
	}
}

// The views of lint are what the project promises to build for.
func TestViews(t *testing.T) {
	seen := make(map[string]bool)
	for _, v := range views {
		seen[v.String()] = true
	}
	for _, want := range []string{"linux/amd64", "linux/amd64 -tags loam", "linux/riscv64", "linux/riscv64 -tags loam"} {
		if !seen[want] {
			t.Errorf("lint does not look at %s", want)
		}
	}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" && !seen[runtime.GOOS+"/"+runtime.GOARCH] {
		t.Error("lint does not look at this host")
	}
}
