// SPDX-License-Identifier: Apache-2.0

// Package goexec says what a program that go test or go run has built is granted, when they start it by
// -exec 'loam exec': what such a run needs, and no more.
//
//	a test      its package's folder, which is the working directory, to be read; written to by -test.fuzz alone
//	a program   the working directory
//	both        GOROOT's src and lib, to be read; the folder that the go command built them in, to be read;
//	            the folders in which flags of the testing package, and GOCOVERDIR, want files written; /tmp, in memory;
//	            the machine's /dev
//
// A folder has the path in the machine that it has here: flags and variables name it so. GOROOT's bin stays out, for
// with the go command there tests would try to build programs rather than skip themselves.
//
// The environment is what the go command sets, what Go's runtime and libraries read, and a HOME and TMPDIR in memory.
//
// Rejected: everything, read-only or not, as Go's own script for wasip1 has it (--dir=/): a test could read what is
// nobody's business; the whole environment, for the same reason; a folder of the host's for temporary files (slower,
// and left behind by who is killed); the module's root, or the package's parents (a test that reads them is rare, and
// --dir says so).
package goexec

import (
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"loam/host/run"
)

// Command is a program that the go command starts.
type Command struct {
	Program string                // its file, an absolute path
	Args    []string              // without its name
	Dir     string                // the working directory
	GOROOT  string                // empty: none
	Getenv  func(k string) string // of loam's environment
}

// files are flags of the testing package by which a test writes a file, folders those by which it writes files in a
// folder.
var (
	files   = []string{"blockprofile", "coverprofile", "cpuprofile", "memprofile", "mutexprofile", "testlogfile", "trace"}
	folders = []string{"fuzzcachedir", "gocoverdir", "outputdir"}
)

// built is a folder that the go command builds in.
var built = regexp.MustCompile(`[/\\]go-build[0-9]+[/\\]`)

// Temp is where temporary files are.
const Temp = "/tmp"

// Folders are those that the program is granted. What can't be a path in the machine is left out.
func (c *Command) Folders() []run.Folder {
	var list []run.Folder
	add := func(writable bool, parts ...string) {
		if p := filepath.Join(parts...); filepath.IsAbs(p) {
			list = append(list, run.Folder{Host: p, Guest: filepath.ToSlash(p), ReadOnly: !writable})
		}
	}
	add(!c.test() || c.flag("fuzz") != "", c.Dir)
	if c.GOROOT != "" {
		add(false, c.GOROOT, "src")
		add(false, c.GOROOT, "lib")
	}
	if built.MatchString(c.Program) {
		add(false, filepath.Dir(c.Program))
	}
	for _, p := range c.outputs() {
		add(true, p)
	}
	return slices.DeleteFunc(merged(list), func(f run.Folder) bool { return !f.Possible() })
}

// outputs are folders that the program has to write to.
func (c *Command) outputs() (list []string) {
	at := c.Dir
	if dir := c.flag("outputdir"); dir != "" {
		at = join(at, dir)
	}
	for _, name := range files {
		if file := c.flag(name); file != "" {
			list = append(list, filepath.Dir(join(at, file)))
		}
	}
	for _, name := range folders {
		if dir := c.flag(name); dir != "" {
			list = append(list, join(c.Dir, dir))
		}
	}
	if dir := c.Getenv("GOCOVERDIR"); dir != "" {
		list = append(list, join(c.Dir, dir))
	}
	return list
}

// join is a path that may be relative to a folder.
func join(dir, p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(dir, p)
}

// test reports whether the program is a test: the go command starts none without flags of the testing package.
func (c *Command) test() bool {
	return slices.ContainsFunc(c.Args, func(a string) bool { return strings.HasPrefix(oneDash(a), "-test.") })
}

// oneDash is an argument, as a flag with one dash if it has two.
func oneDash(a string) string {
	if strings.HasPrefix(a, "--") {
		return a[1:]
	}
	return a
}

// flag is the value of a flag of the testing package, as the go command writes it.
func (c *Command) flag(name string) (value string) {
	for _, a := range c.Args {
		if v, ok := strings.CutPrefix(oneDash(a), "-test."+name+"="); ok {
			value = v
		}
	}
	return value
}

// merged leaves out folders that can be had without: what is given twice, writable at last, and what lies in another with
// the same to be done there.
func merged(list []run.Folder) (kept []run.Folder) {
	writable := map[string]bool{}
	for _, f := range list {
		writable[f.Guest] = writable[f.Guest] || !f.ReadOnly
	}
	for _, at := range slices.Sorted(maps.Keys(writable)) {
		if w, inside := around(writable, at); !inside || w != writable[at] {
			kept = append(kept, run.Folder{Host: filepath.FromSlash(at), Guest: at, ReadOnly: !writable[at]})
		}
	}
	return kept
}

// around is what the innermost of the folders that have a path in them says.
func around(writable map[string]bool, at string) (w, inside bool) {
	for at != "/" {
		at = path.Dir(at)
		if w, inside = writable[at]; inside {
			return w, true
		}
	}
	return false, false
}

// passed are variables that a run has as they are here.
var passed = []string{"GOCOVERDIR", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GORACE", "GOROOT", "GOTRACEBACK", "LANG", "TZ"}

// Env is the program's environment.
func (c *Command) Env() []string {
	env := []string{"PWD=" + filepath.ToSlash(c.Dir), "TMPDIR=" + Temp, "HOME=" + Temp, "PATH=/usr/bin:/bin"}
	for _, k := range passed {
		if v := c.Getenv(k); v != "" {
			env = append(env, k+"="+v)
		}
	}
	return env
}
