// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"loam/build/image"
)

// arches are the architectures that kernel and system programs are built for, and
// whose machines test runs.
var arches = []string{"amd64", "riscv64"}

// programs are the system programs that bin/loam carries for each of them, by
// package; payload serves each under the last element of its path.
var programs = []string{"./user/wasi", "./user/system", "./user/net"}

// exe is the file name of the host binary, relative to the root.
const exe = "bin/loam"

// guestEnv is the environment that builds what runs in the machine: nothing of
// the host's that changes the bytes. An empty GOFLAGS would let the setting of
// "go env -w" through.
func guestEnv(goos, goarch string) []string {
	return []string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0",
		"GOFLAGS=-trimpath", "GOEXPERIMENT=", "GOAMD64=v1", "GORISCV64=rva20u64", "GOWASM=", "GOFIPS140=off"}
}

// goBuild runs go build for one package.
func (b *builder) goBuild(env []string, out, pkg string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", out}, flags...)
	return b.run(env, "go", append(args, pkg)...)
}

// buildTarget is "build".
func buildTarget(b *builder, _ []string) error {
	for _, arch := range arches {
		if err := b.kernel(arch, b.path("build/out"), b.path("payload/files")); err != nil {
			return err
		}
		for _, pkg := range programs {
			if err := b.program(arch, pkg); err != nil {
				return err
			}
		}
	}
	if err := b.demo(); err != nil {
		return err
	}
	return b.loam()
}

// kernelTarget is "kernel".
func kernelTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("kernel", flag.ContinueOnError)
	dir := fs.String("o", b.path("build/out"), "write the files to `DIR`")
	only := fs.String("arch", "", "for this `ARCH` alone: "+strings.Join(arches, " or "))
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	abs, err := filepath.Abs(*dir)
	if err != nil {
		return err
	}
	wanted := arches
	if *only != "" {
		if err := checkArch(*only); err != nil {
			return err
		}
		wanted = []string{*only}
	}
	for _, arch := range wanted {
		if err := b.kernel(arch, abs, abs); err != nil {
			return err
		}
	}
	return nil
}

func checkArch(arch string) error {
	if !slices.Contains(arches, arch) {
		return fmt.Errorf("-arch %s: there is no such architecture (%s)", arch, strings.Join(arches, ", "))
	}
	return nil
}

// kernel links the kernel into the folder linked and puts its bootable image
// into the folder final.
func (b *builder) kernel(arch, linked, final string) error {
	return b.kernelWith("loam", step("kernel", arch), arch, linked, final)
}

func (b *builder) kernelWith(tags string, done func(int64, error) error, arch, linked, final string) error {
	elf := filepath.Join(linked, "kernel-"+arch+".linked")
	err := b.goBuild(guestEnv("linux", arch), elf, "./kernel", "-tags", tags, "-ldflags", image.LinkFlags)
	if err != nil {
		return err
	}
	img, err := makeImage(elf)
	if err != nil {
		return err
	}
	return done(writeIfChanged(filepath.Join(final, "kernel-"+arch), img))
}

// Where the parts of checked are.
const (
	checkedDir  = "build/out/checked"
	checkedLoam = "build/out/checked/loam"
)

// checked builds a kernel that checks the order of its locks and measures the time
// with interrupts off, and a loam that boots it.
func (b *builder) checked() error {
	for _, arch := range arches {
		dir := b.path(checkedDir)
		if err := b.kernelWith("loam,loamcheck", step("kernel, checked", arch), arch, dir, dir); err != nil {
			return err
		}
	}
	env := []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOAMD64=v1"}
	return b.goBuild(env, b.path(checkedLoam), "./cmd/loam", "-tags", "loamcheck")
}

// checkedEnv is the environment for tests of the checked kernel.
func (b *builder) checkedEnv(arch, cpus string) []string {
	return []string{"LOAM=" + b.path(checkedLoam), "LOAM_ARCH=" + arch, "LOAM_CPUS=" + cpus,
		"LOAM_KERNEL=" + b.path(checkedDir+"/kernel-"+arch)}
}

// testEnv is that of the kernel that loam carries.
func (b *builder) testEnv(arch string) []string {
	return []string{"LOAM=" + b.path(exe), "LOAM_ARCH=" + arch}
}

// wholeVariable has each test of the machine try all machines that it knows, on riscv64 too; test doesn't, for time.
const wholeVariable = "LOAM_WHOLE=1"

// program builds a system program into the payload.
func (b *builder) program(arch, pkg string) error {
	name := filepath.Base(pkg)
	done := step(name, arch)
	out := b.path("build/out/" + name + "-" + arch)
	if err := b.goBuild(guestEnv("linux", arch), out, pkg, "-ldflags", "-s -w"); err != nil {
		return err
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return err
	}
	return done(writeIfChanged(b.path("payload/files/"+name+"-"+arch), data))
}

// demo builds the module that run runs without arguments.
func (b *builder) demo() error {
	done := step("demo", "wasm")
	out := b.path("build/out/demo.wasm")
	if err := b.goBuild(guestEnv("wasip1", "wasm"), out, "./test/demo", "-ldflags", "-s -w"); err != nil {
		return err
	}
	return done(fileSize(out))
}

// loam builds the host binary.
func (b *builder) loam() error {
	done := step(exe, "host")
	out := b.path(exe)
	env := []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOAMD64=v1"}
	if err := b.goBuild(env, out, "./cmd/loam", "-ldflags", "-s -w"); err != nil {
		return err
	}
	return done(fileSize(out))
}

// imageTarget is "image".
func imageTarget(_ *builder, args []string) error {
	fs := flag.NewFlagSet("image", flag.ContinueOnError)
	out := fs.String("o", "", "write the bootable image to `OUT`")
	if err := parseFlags(fs, args, 1); err != nil {
		return err
	}
	if *out == "" {
		return fmt.Errorf("image: -o OUT is missing")
	}
	img, err := makeImage(fs.Arg(0))
	if err != nil {
		return err
	}
	_, err = writeIfChanged(*out, img)
	return err
}

// makeImage returns the bootable image of the linker's file elf.
func makeImage(elf string) ([]byte, error) {
	linked, err := os.ReadFile(elf)
	if err != nil {
		return nil, err
	}
	img, err := image.Build(linked)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", elf, err)
	}
	return img, nil
}

// parseFlags parses args and wants n of them left over.
func parseFlags(fs *flag.FlagSet, args []string, n int) error {
	if err := fs.Parse(args); err != nil {
		return exitCode(2) // the flag set has said it
	}
	if fs.NArg() != n {
		return fmt.Errorf("%s: %d arguments, want %d; ./x help shows the usage", fs.Name(), fs.NArg(), n)
	}
	return nil
}

// writeIfChanged writes data to a file unless that is its content already,
// and returns data's length. A reader never sees half of it.
func writeIfChanged(name string, data []byte) (int64, error) {
	size := int64(len(data))
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, data) {
		return size, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return 0, err
	}
	tmp := name + ".new"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return 0, err
	}
	return size, os.Rename(tmp, name)
}

func fileSize(name string) (int64, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// step starts a step of the build and returns what to call with its result's
// size: it prints the step's line, "build  kernel (amd64)  1.9 MiB  2.1s".
func step(name, arch string) func(size int64, err error) error {
	start := time.Now()
	return func(size int64, err error) error {
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "build  %-16s %7.1f MiB  %6.1fs\n",
			name+" ("+arch+")", float64(size)/(1<<20), time.Since(start).Seconds())
		return nil
	}
}

// cleanTarget is "clean".
func cleanTarget(b *builder, _ []string) error {
	for _, dir := range []string{"bin", "build/out"} {
		if err := os.RemoveAll(b.path(dir)); err != nil {
			return err
		}
	}
	files, err := filepath.Glob(b.path("payload/files/*-*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	return nil
}
