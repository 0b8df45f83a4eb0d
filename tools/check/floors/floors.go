// SPDX-License-Identifier: Apache-2.0

// Package floors holds the import rules: the machine floor stands on nothing
// but the ABI, the kernel on the machine, programs of the user floor on the
// ABI alone, and the host side knows the kernel only as files it carries.
//
// The rules are one table, default deny: a folder that no row names is
// itself a violation, so a new folder gets a floor before it gets imports.
// Go rejects import cycles but not a layer skipped; this does.
//
// The edges come from `go list` for each build that we ship (amd64 and
// riscv64, with and without the kernel's build tag), so that a file behind a
// constraint is judged in the build that compiles it.
package floors

import (
	"fmt"
	"slices"
	"strings"

	"loam/tools/check/finding"
)

// floor is one row of the table. Folder patterns are relative to the module:
// "abi" is that folder alone, "abi/..." it and all below.
type floor struct {
	name    string
	folders []string // which packages stand here
	own     []string // which packages of ours they may import
	std     []string // which of the standard library; nil: all
	modules bool     // may import other modules
	mend    string
}

// machineStd is all that the machine floor may take from the standard
// library. Nothing here allocates or keeps state. encoding/binary is for its
// byte-order methods, which compile to single loads and stores, and math for
// its constants; the rest of both allocates or computes in floating point,
// and the proofs over the kernel's machine code would say so.
var machineStd = []string{"encoding/binary", "math", "math/bits", "sync/atomic", "unsafe"}

// metalStd is for the package that carries Go's runtime: it locks the runner
// to its thread.
var metalStd = append([]string{"runtime"}, machineStd...)

// table is read top down: the first row whose folders match a package rules.
var table = []floor{
	{name: "abi", folders: []string{"abi/..."}, own: []string{"abi/..."},
		mend: "the ABI is a leaf that everybody shares: move what it needs into it"},
	{name: "metal", folders: []string{"machine/metal"}, own: []string{"machine/...", "abi/..."}, std: metalStd,
		mend: "the machine floor runs before and under Go's runtime: pass plain values in, return codes, and let the kernel floor do the rest"},
	{name: "machine", folders: []string{"machine/..."}, own: []string{"machine/...", "abi/...", "!machine/metal"}, std: machineStd,
		mend: "the machine floor runs before and under Go's runtime: pass plain values in, return codes, and let the kernel floor do the rest"},
	{name: "leaf", folders: []string{"archive/...", "loader/..."}, own: []string{"abi/...", "archive/...", "loader/..."},
		mend: "kernel and host share this package: keep it a leaf"},
	{name: "kernel proper", folders: []string{"kernel", "kernel/core/..."},
		own:  []string{"kernel/...", "machine/...", "abi/...", "archive/...", "loader/..."},
		mend: "the kernel stands on the machine floor, the ABI and the standard library only"},
	{name: "pure kernel", folders: []string{"kernel/..."},
		own:  []string{"kernel/...", "machine/...", "abi/...", "archive/...", "loader/...", "!machine/metal/...", "!kernel/core/...", "!kernel"},
		mend: "pure kernel packages run under plain go test: take an interface or plain values, and let kernel/core connect them to the metal"},
	{name: "test kernel", folders: []string{"test/kernel/..."},
		own:  []string{"test/kernel/...", "kernel/...", "machine/...", "abi/...", "archive/...", "loader/..."},
		mend: "a test kernel stands where the kernel stands: on the machine floor, the ABI and the standard library only"},
	{name: "user", folders: []string{"user/..."}, own: []string{"user/...", "abi/...", "internal/...", "loader/..."}, modules: true,
		mend: "programs reach the kernel by calls only: what both sides need belongs in abi"},
	{name: "shared by user and host", folders: []string{"internal/..."}, own: []string{"internal/...", "abi/...", "user/sys"}, modules: true,
		mend: "what programs and the host side share knows neither's upper parts"},
	{name: "image step", folders: []string{"build/..."},
		own: []string{"build/...", "abi/...", "archive/...", "loader/...", "host/...", "payload/...", "internal/...", "machine/bootinfo"}, modules: true,
		mend: "the build knows the kernel by its file and machine/bootinfo's header types"},
	{name: "host", folders: []string{"host/...", "cmd/...", "payload/..."},
		own: []string{"host/...", "cmd/...", "payload/...", "abi/...", "archive/...", "loader/...", "internal/...", "user/wasi/..."}, modules: true,
		mend: "the host side knows the kernel by its file: what both need belongs in abi, archive or loader"},
	{name: "tests", folders: []string{"test/...", "bench/..."},
		own: []string{"test/...", "bench/...", "abi/...", "archive/...", "loader/...", "host/...", "payload/...", "internal/...", "user/...", "build/..."}, modules: true,
		mend: "whole-system tests see what users see; a test of a kernel package lives beside it"},
	{name: "page of the ABI", folders: []string{"tools/abidoc"}, own: []string{"tools/abidoc", "abi"},
		mend: "what writes the ABI's page needs the ABI alone"},
	{name: "tools", folders: []string{"tools/..."}, own: []string{"tools/..."}, modules: true,
		mend: "tools read the tree as files and stand alone"},
}

// importer is what a rule needs to know of one package in one build.
type importer struct {
	Path        string   // import path
	Imports     []string // of its ordinary files
	TestImports []string // of its tests, inside and outside the package
}

// breach is one import that a rule refuses.
type breach struct {
	from, to string // import paths; to is empty when from has no floor
	test     bool
	floor    *floor
}

// judge applies the table to the packages of one build of module.
func judge(module string, pkgs []importer) []breach {
	var out []breach
	for _, p := range pkgs {
		fl := floorOf(relative(module, p.Path))
		if fl == nil {
			out = append(out, breach{from: p.Path})
			continue
		}
		for _, to := range p.Imports {
			if !fl.admits(module, to) {
				out = append(out, breach{from: p.Path, to: to, floor: fl})
			}
		}
		for _, to := range p.TestImports {
			// Tests may use any library and the material under
			// test/, but no package of ours from a higher floor.
			if isOurs(module, to) && to != p.Path && !match("test/...", relative(module, to)) && !fl.admits(module, to) {
				out = append(out, breach{from: p.Path, to: to, test: true, floor: fl})
			}
		}
	}
	return out
}

// floorOf returns the row for a package, nil if there is none.
func floorOf(rel string) *floor {
	for i := range table {
		if slices.ContainsFunc(table[i].folders, func(p string) bool { return match(p, rel) }) {
			return &table[i]
		}
	}
	return nil
}

// admits reports whether a package on this floor may import to.
func (fl *floor) admits(module, to string) bool {
	if isOurs(module, to) {
		rel, ok := relative(module, to), false
		for _, p := range fl.own {
			if no, denied := strings.CutPrefix(p, "!"); denied {
				ok = ok && !match(no, rel)
			} else {
				ok = ok || match(p, rel)
			}
		}
		return ok
	}
	if isStd(to) {
		return fl.std == nil || slices.Contains(fl.std, to)
	}
	return fl.modules
}

// isOurs reports whether path is a package of the module itself.
func isOurs(module, path string) bool {
	return path == module || strings.HasPrefix(path, module+"/")
}

// isStd reports whether path, not ours, belongs to the standard library: its
// first element has no dot.
func isStd(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// relative returns the folder of a package of ours.
func relative(module, path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

// match reports whether the folder rel fits the pattern p.
func match(p, rel string) bool {
	dir, below := strings.CutSuffix(p, "/...")
	return rel == dir || below && strings.HasPrefix(rel, dir+"/")
}

// finding words a breach; locate gives the line of the import.
func (b breach) finding(module string, locate func(dir, path string, test bool) (string, int)) finding.Finding {
	dir := relative(module, b.from)
	if b.floor == nil {
		return finding.Finding{File: dir, Rule: "floors",
			Text: "this folder stands on no floor; give it a row in tools/check/floors"}
	}
	file, line := locate(dir, b.to, b.test)
	return finding.Finding{File: file, Line: line, Rule: "floors",
		Text: fmt.Sprintf("%s (%s floor) imports %s; %s", dir, b.floor.name, b.to, b.floor.mend)}
}
