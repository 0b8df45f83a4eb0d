// SPDX-License-Identifier: Apache-2.0

// Package doctor looks at what Loam needs on this computer and says, for each
// thing, what was found and what mends it. It tries things out rather than
// asking about them, and believes no cache.
package doctor

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

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
	qemu, facts := examineQEMU(ctx)
	fs = append(fs, qemu)
	if qemu.Level != Bad {
		fs = append(fs, acceleration(facts), features(facts), sandbox(facts))
	}
	return append(fs, folder(cache), kernel(), runnerProgram())
}

func examineQEMU(ctx context.Context) (Finding, accel.Facts) {
	path, err := run.FindQEMU("")
	if err != nil {
		return Finding{Bad, "QEMU", "qemu-system-x86_64 is not there", mendQEMU()}, accel.Facts{}
	}
	facts, err := accel.Find(ctx, path, accel.Auto, "")
	if err != nil {
		return Finding{Bad, "QEMU", err.Error(), mendQEMU()}, facts
	}
	return Finding{Good, "QEMU", facts.Version + " at " + path, ""}, facts
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

func kernel() Finding {
	b, err := payload.Kernel("amd64")
	if err != nil {
		return Finding{Bad, "kernel", err.Error(), "./x build"}
	}
	if !bytes.HasPrefix(b, []byte("\x7fELF")) {
		return Finding{Bad, "kernel", "the image that loam carries is damaged", "./x build"}
	}
	return Finding{Good, "kernel", fmt.Sprintf("amd64, %d KiB, inside loam", len(b)>>10), ""}
}

func runnerProgram() Finding {
	b, err := payload.Program("wasi", "amd64")
	if err != nil {
		return Finding{Bad, "WASI runner", err.Error(), "./x build"}
	}
	return Finding{Good, "WASI runner", fmt.Sprintf("amd64, %d KiB, inside loam", len(b)>>10), ""}
}

// Print writes findings to w and reports whether Loam works here.
func Print(w io.Writer, fs []Finding) bool {
	good := true
	for _, f := range fs {
		fmt.Fprintf(w, "%s  %-15s %s\n", f.Level, f.What, f.Text)
		if f.Mend != "" {
			fmt.Fprintf(w, "      %-15s to mend it: %s\n", "", f.Mend)
		}
		good = good && f.Level != Bad
	}
	return good
}

func mendQEMU() string { return setup.ThisHost().Hint() }
