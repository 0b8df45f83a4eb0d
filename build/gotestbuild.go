// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// userland are the programs of test/programs/userland by their names: what tests look for in PATH.
var userland = []string{"cat", "echo", "hostname", "id", "nohup", "pwd", "sleep", "whoami"}

// tools makes the folder that is /usr/bin in the machine: a program under several names.
func (g *gotest) tools() error {
	dir := filepath.Join(g.dir, "bin")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	first := filepath.Join(dir, userland[0])
	if err := g.b.goBuild(guestEnv("linux", g.arch), first, "./test/programs/userland", "-ldflags", "-s -w"); err != nil {
		return err
	}
	for _, name := range userland[1:] {
		if err := os.Link(first, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// buildEnv is the environment that builds tests. Unlike other programs they keep the paths of their sources.
func (g *gotest) buildEnv() []string {
	arch := g.arch
	if g.modules() {
		arch = "wasm"
	}
	return []string{"GOOS=" + g.goos, "GOARCH=" + arch, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false", "GOEXPERIMENT=",
		"GOAMD64=v1", "GORISCV64=rva20u64", "GOWASM=", "GOFIPS140=off", "GOWORK=off"}
}

// cgoTests are the packages whose tests can't be built without cgo.
var cgoTests = map[string]bool{"runtime/cgo": true}

// staticCompiler is what links C statically with Go's programs, where there is one for this host.
const staticCompiler = "musl-gcc"

// buildable says whether the tests of a package can be built here.
func (g *gotest) buildable(pkg string) bool {
	if !cgoTests[pkg] {
		return true
	}
	_, err := exec.LookPath(staticCompiler)
	return err == nil && g.arch == runtime.GOARCH
}

// compile builds the tests of a package.
func (g *gotest) compile(pkg, binary string) error {
	env, args := g.buildEnv(), []string{"test", "-c", "-o", binary}
	if cgoTests[pkg] {
		env = append(env, "CGO_ENABLED=1", "CC="+staticCompiler)
		args = append(args, "-ldflags", "-linkmode=external -extldflags=-static")
	}
	if err := g.b.run(env, "go", append(args, pkg)...); err != nil {
		return err
	}
	if _, err := os.Stat(binary); err != nil { // go is content if no file of tests is for the architecture
		return errors.New("no tests for this architecture")
	}
	return nil
}
