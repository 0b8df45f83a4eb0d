// SPDX-License-Identifier: Apache-2.0

package source

import (
	"path"
	"slices"
	"strings"

	"loam/tools/check/finding"
)

// mirrored are the architectures whose files mirror each other.
var mirrored = [2]string{"amd64", "riscv64"}

// mirrors are the folders of which each file for one architecture, name_amd64.go, has
// a file of the same name for the other, or one for all others (name_generic.go,
// name_other.go), and amd64name.go, which any host compiles, one named riscv64name.go:
// what both have to do is found under the same name.
var mirrors = []string{"machine", "kernel", "abi"}

// twins are the two folders that hold an architecture each: files have the same names.
var twins = [2]string{"machine/amd64", "machine/riscv64"}

// alone are the files without a mirror, each with the reason. A folder stands for all
// files in it.
var alone = map[string]string{
	"machine/frame/callers_amd64.s": "walks frame pointers, which riscv64 has none of",

	"machine/metal/pci_riscv64.go":   "amd64's host channel is at ports that firmware has set up",
	"machine/metal/state_riscv64.go": "amd64 saves registers by one instruction, in entry_amd64.s",
	"machine/metal/vga_amd64.go":     "the PC's screen",
	"machine/mmode":                  "amd64 has no machine mode",

	"kernel/signal/amd64xstate.go":   "the vector registers: riscv64vector.go",
	"kernel/signal/riscv64vector.go": "see amd64xstate.go",

	"machine/amd64/apic.go":    "interrupt controllers differ: riscv64 has plic.go",
	"machine/amd64/cpuid.go":   "what a CPU can do stands in the devicetree: isa.go",
	"machine/amd64/errata.go":  "of Intel's processors",
	"machine/amd64/gate.go":    "traps go through a table in memory; riscv64 has causes: cause.go",
	"machine/amd64/icr.go":     "the firmware sends interrupts to harts: machine/sbi",
	"machine/amd64/segment.go": "riscv64 has no segments",
	"machine/amd64/startup.go": "the firmware starts harts: machine/sbi",
	"machine/amd64/x2apic.go":  "see apic.go",

	"machine/riscv64/cause.go":       "see gate.go",
	"machine/riscv64/devices.go":     "the test finisher; amd64's debug exit is one port, in machine/metal",
	"machine/riscv64/instruction.go": "Go's assembler knows amd64's instructions",
	"machine/riscv64/isa.go":         "see cpuid.go",
	"machine/riscv64/machinemode.go": "amd64 has no machine mode",
	"machine/riscv64/plic.go":        "see apic.go",
}

// Mirror reports the files for one architecture that have none for the other.
func Mirror(t *Tree) []finding.Finding {
	out, _ := mirror(t)
	return out
}

// mirror also returns which names in alone are needed.
func mirror(t *Tree) (out []finding.Finding, needed map[string]bool) {
	have := map[string]bool{}
	for _, f := range t.Files {
		have[f.Path] = true
	}
	needed = map[string]bool{}
	for _, f := range t.Files {
		want := mirrorsOf(f)
		if len(want) == 0 || slices.ContainsFunc(want, func(name string) bool { return have[name] }) {
			continue
		}
		switch dir := f.Dir(); {
		case alone[f.Path] != "":
			needed[f.Path] = true
		case alone[dir] != "":
			needed[dir] = true
		default:
			out = append(out, finding.Finding{File: f.Path, Rule: "mirror",
				Text: "the other architecture has no " + path.Base(want[0]) + "; add it, or the reason to tools/check/source/mirror.go"})
		}
	}
	return out, needed
}

// mirrorsOf returns the names of which f needs one beside it, none if it is for all
// architectures or a test.
func mirrorsOf(f *File) []string {
	if f.IsTest() || !f.IsGo() && !f.IsAsm() {
		return nil
	}
	ext := path.Ext(f.Path)
	for i, dir := range twins {
		if f.Dir() == dir {
			return []string{path.Join(twins[1-i], path.Base(f.Path))}
		}
	}
	if !under(f.Path, mirrors) {
		return nil
	}
	for i, arch := range mirrored {
		if job, ok := strings.CutSuffix(f.Path, "_"+arch+ext); ok {
			return []string{job + "_" + mirrored[1-i] + ext, job + "_generic" + ext, job + "_other" + ext}
		}
		if job, ok := strings.CutPrefix(path.Base(f.Path), arch); ok {
			return []string{path.Join(f.Dir(), mirrored[1-i]+job)}
		}
	}
	return nil
}
