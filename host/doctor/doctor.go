// SPDX-License-Identifier: Apache-2.0

// Package doctor looks at what Loam needs on this computer and says, for each
// thing, what was found and what mends it. It tries things out rather than
// asking about them, and believes no cache.
package doctor

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"loam/host/accel"
	"loam/host/run"
	"loam/host/setup"
	"loam/host/vm"
	"loam/payload"
)

// Level says how bad a finding is.
type Level int

const (
	// Good: as it should be.
	Good Level = iota
	// Slow: Loam works, but could do better.
	Slow
	// Bad: Loam does not work like this.
	Bad
)

func (l Level) String() string { return [...]string{"ok  ", "note", "BAD "}[l] }

// Finding is one thing looked at.
type Finding struct {
	Level Level
	What  string
	Text  string
	Mend  string // what to type, or empty
}

// Examine looks at everything. cache is loam's cache folder.
func Examine(ctx context.Context, cache string) []Finding {
	fs := []Finding{{Good, "host", runtime.GOOS + "/" + runtime.GOARCH, ""}}
	qemu, _, facts := examineQEMU(ctx, vm.AMD64)
	fs = append(fs, qemu)
	if qemu.Level != Bad {
		fs = append(fs, acceleration(facts), features(facts), sandbox(facts))
	}
	fs = append(fs, folder(cache), kernel(vm.AMD64), runnerProgram(vm.AMD64))
	return append(fs, examineRISCV64(ctx)...)
}

func examineQEMU(ctx context.Context, arch string) (f Finding, path string, facts accel.Facts) {
	what := "QEMU, " + arch
	path, err := run.FindQEMU(arch, "")
	if err != nil {
		return Finding{Bad, what, setup.QEMU(arch) + " is not there", mendQEMU()}, "", facts
	}
	facts, err = accel.Find(ctx, arch, path, accel.Auto, "")
	if err != nil {
		return Finding{Bad, what, err.Error(), mendQEMU()}, path, facts
	}
	return Finding{Good, what, facts.Version + " at " + path, ""}, path, facts
}

// examineRISCV64 looks at what only machines for riscv64 need. Nothing of it is
// bad: without it the others work.
func examineRISCV64(ctx context.Context) []Finding {
	qemu, path, _ := examineQEMU(ctx, vm.RISCV64)
	fs := []Finding{qemu}
	if qemu.Level != Bad {
		fs = append(fs, firmware(ctx, path))
	}
	fs = append(fs, kernel(vm.RISCV64), runnerProgram(vm.RISCV64))
	for i := range fs {
		if fs[i].Level == Bad {
			fs[i].Level = Slow
			fs[i].Text += "; no machines for riscv64"
		}
	}
	return fs
}

// firmware looks for the file of OpenSBI in the folders that QEMU names.
func firmware(ctx context.Context, qemu string) Finding {
	const what = "firmware"
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, qemu, "-L", "help").Output()
	if err != nil {
		return Finding{Slow, what, "QEMU does not say where its firmware is: " + err.Error(), ""}
	}
	for dir := range strings.Lines(string(out)) {
		file := filepath.Join(strings.TrimSpace(dir), vm.FirmwareFile)
		if _, err := os.Stat(file); err == nil {
			return Finding{Good, what, "OpenSBI at " + file + ", for --firmware opensbi", ""}
		}
	}
	return Finding{Slow, what, "no " + vm.FirmwareFile + ": --firmware opensbi can't be used", mendQEMU()}
}

func acceleration(f accel.Facts) Finding {
	if f.Accel != vm.TCG {
		return Finding{Good, "acceleration", f.Accel + ": a guest ran with it", ""}
	}
	mend := ""
	if i := strings.Index(f.Reason, "(sudo "); i >= 0 {
		mend = strings.Trim(f.Reason[i:], "()")
	}
	return Finding{Slow, "acceleration", "none, software emulation (" + vm.TCG + "): " + f.Reason, mend}
}

func features(f accel.Facts) Finding {
	text := "x86-64 with " + strings.Join(vm.Features(f.Missing), " ")
	if len(f.Missing) > 0 {
		return Finding{Slow, "guest CPU", text + "; not " + strings.Join(f.Missing, " "), ""}
	}
	return Finding{Good, "guest CPU", text, ""}
}

func sandbox(f accel.Facts) Finding {
	if f.Sandbox {
		return Finding{Good, "QEMU's sandbox", "its system-call filter is on", ""}
	}
	return Finding{Slow, "QEMU's sandbox", "this QEMU has no system-call filter", ""}
}

// folder tries the cache folder by writing to it.
func folder(dir string) Finding {
	const what = "cache folder"
	if dir == "" {
		return Finding{Slow, what, "there is none: each module is compiled anew", "export LOAM_CACHE=$HOME/.cache/loam"}
	}
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(dir, ".doctor-*"); err == nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}
	if err != nil {
		return Finding{Slow, what, err.Error(), "export LOAM_CACHE=FOLDER, one that can be written"}
	}
	return Finding{Good, what, dir, ""}
}

func kernel(arch string) Finding {
	what := "kernel, " + arch
	b, err := payload.Kernel(arch)
	if err != nil {
		return Finding{Bad, what, err.Error(), "./x build"}
	}
	if !vm.IsKernel(arch, b) {
		return Finding{Bad, what, "the image that loam carries is damaged", "./x build"}
	}
	return Finding{Good, what, fmt.Sprintf("%d KiB, inside loam", len(b)>>10), ""}
}

func runnerProgram(arch string) Finding {
	what := "WASI runner, " + arch
	b, err := payload.Program("wasi", arch)
	if err != nil {
		return Finding{Bad, what, err.Error(), "./x build"}
	}
	return Finding{Good, what, fmt.Sprintf("%d KiB, inside loam", len(b)>>10), ""}
}

// Print writes findings to w and reports whether Loam works here.
func Print(w io.Writer, fs []Finding) bool {
	good := true
	for _, f := range fs {
		fmt.Fprintf(w, "%s  %-20s %s\n", f.Level, f.What, f.Text)
		if f.Mend != "" {
			fmt.Fprintf(w, "      %-20s to mend it: %s\n", "", f.Mend)
		}
		good = good && f.Level != Bad
	}
	return good
}

func mendQEMU() string { return setup.ThisHost().Hint() }
