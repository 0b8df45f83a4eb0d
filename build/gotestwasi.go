// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
)

// wasip1 is GOOS of tests that are modules.
const wasip1 = "wasip1"

// wasiPatterns are the packages whose tests Go's builders for wasip1 run, but for the go command's own (cmd/...): cmd/dist
// takes all of the library, and what can't be there a package leaves out by itself.
var wasiPatterns = []string{"std"}

// wasiLeft are tests that are left out of those of modules, as gotestLeft has them: single ones that take wazero on the host
// 10 s and more, so an emulated machine many minutes.
var wasiLeft = map[string]string{
	"compress/gzip":     "^TestCVE202230631$",  // four million members
	"encoding/gob":      "^TestLargeSlice$",    // slices of 1 GiB in all, 50 s
	"go/build":          "^TestDependencies$",  // parses all of the library, 46 s
	"internal/synctest": "^TestReflectFuncOf$", // 200,000 types
}

// modules reports whether the tests are modules.
func (g *gotest) modules() bool { return g.goos == wasip1 }

// exec are the arguments for the machine of a module: loam exec grants it what a test needs. GOROOT as a whole is for the
// tests of os, which look at files there; a module couldn't start a go command anyway. Go's own script for wasip1 grants the
// host's root: here that is a folder with what tests look for in it. -v names the engine.
func (g *gotest) exec() []string {
	return []string{"exec", "-v", "--arch", g.arch, "--dir", g.root() + "::/:ro", "--dir", g.goroot + ":ro"}
}

func (g *gotest) root() string { return filepath.Join(g.dir, "root") }

// wasiTools makes the root, and wazero's command, of the version that Loam is built with.
func (g *gotest) wasiTools() error {
	etc := filepath.Join(g.root(), "etc")
	if err := os.MkdirAll(etc, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(etc, "hosts"), []byte("127.0.0.1 localhost\n::1 localhost\n"), 0o644); err != nil {
		return err
	}
	return g.b.run([]string{"CGO_ENABLED=0"}, "go", "build", "-o", g.wazeroFile(), wazeroModule+"/cmd/wazero")
}

func (g *gotest) wazeroFile() string { return g.b.path("build/out/gotest/wazero") }

// byWazero is the command that runs a module on this host, with what it is granted in the machine.
func (g *gotest) byWazero(pkg, binary, tmp string) (name string, args, env []string) {
	args = []string{"run", "-env-inherit", "-cachedir", g.b.path("build/out/gotest/wazero-cache"),
		"-mount", g.root() + ":/:ro", "-mount", "/dev:/dev", "-mount", g.goroot + ":" + g.goroot + ":ro", "-mount", tmp + ":/tmp", binary}
	env = append(g.testEnv("/tmp"), "PWD="+g.source(pkg))
	return g.wazeroFile(), append(args, g.flags(pkg)...), env
}
