// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// gotestMemory is what a machine has for the tests of a package.
const gotestMemory = "1G"

// gotestLeft are the tests of a package that are left out, as -test.skip has them, since emulation is too slow for them.
var gotestLeft = map[string]string{
	"net": "^TestSplice$/./^big$", // five times 1 GiB by way of two connections
	// A signal for each 10 ms of CPU time: an emulated CPU that the host has taken away for longer gets one for all of it.
	// The test tries for half an hour whether it can't be better.
	"runtime/pprof": "^TestCPUProfileMultithreadMagnitude$",
	// A million items and timers in a minute, on two CPUs; if that isn't enough the test fails, or hangs.
	"time": "^TestLongAdjustTimers$",
}

// left are the tests of a package that are left out.
func (g *gotest) left(pkg string) string {
	if g.modules() {
		return wasiLeft[pkg]
	}
	return gotestLeft[pkg]
}

// testEnv is what tests see of the environment, in the machine and on the host.
func (g *gotest) testEnv(tmp string) []string {
	return []string{"GOROOT=" + g.goroot, "HOME=/root", "PATH=/usr/bin:/bin", "TMPDIR=" + tmp}
}

// result gives that of a package: one that is kept, or a new one, which is kept.
func (g *gotest) result(pkg string) result {
	if g.resumes {
		if r, ok := g.resume(pkg); ok {
			return r
		}
	}
	if err := g.forget(pkg); err != nil {
		return result{pkg: pkg, err: err}
	}
	r := g.test(pkg)
	if err := g.keep(r); err != nil {
		fmt.Fprintf(os.Stderr, "gotest: %v\n", err)
	}
	return r
}

// test builds the tests of a package, runs them in the machine, and on the host if that can.
func (g *gotest) test(pkg string) result {
	r := result{pkg: pkg, revision: g.rev, left: g.left(pkg)}
	binary := g.file(pkg, "test")
	if r.err = g.compile(pkg, binary); r.err != nil {
		return r
	}
	start := time.Now()
	r.loam, r.err = g.inside(pkg, "log", binary, g.flags(pkg)...)
	r.took = time.Since(start)
	if r.err == nil && r.loam.status != 0 {
		r.listed, r.err = g.names(pkg, binary)
		r.loam.expect(r.listed)
	}
	if g.host && (!g.modules() || r.failed() > 0) {
		r.host = g.outside(pkg, binary)
	}
	return r
}

// names are those of all tests of a package.
func (g *gotest) names(pkg, binary string) ([]string, error) {
	if _, err := g.inside(pkg, "list", binary, "-test.list", testNames); err != nil {
		return nil, err
	}
	list, err := os.ReadFile(g.file(pkg, "list"))
	return listed(list), err
}

// flags are those of a test binary. The mode test2json marks the lines that are the framework's own.
func (g *gotest) flags(pkg string) []string {
	flags := []string{"-test.short", "-test.v=test2json", "-test.timeout=" + g.timeout.String()}
	if left := g.left(pkg); left != "" {
		flags = append(flags, "-test.skip", left)
	}
	return flags
}

// inside runs a test binary in the machine.
func (g *gotest) inside(pkg, suffix, binary string, flags ...string) (outcomes, error) {
	args, env := g.native(), os.Environ()
	if g.modules() {
		args, env = g.exec(), append(env, "GOROOT="+g.goroot)
	}
	args = append(args, "-m", gotestMemory, "--timeout", (g.timeout + time.Minute).String(), binary)
	return g.collect(pkg, suffix, env, g.b.path(exe), append(args, flags...))
}

// native are the arguments for the machine of a native test, which has the library's sources to be read, and no go command.
// Its own file is where the host has it, because some tests start themselves by that.
func (g *gotest) native() []string {
	args := []string{"run", "--cpus", "2", "--dir", filepath.Join(g.goroot, "src") + ":ro",
		"--dir", filepath.Join(g.goroot, "lib") + ":ro", "--dir", g.dir + ":ro", "--dir", filepath.Join(g.dir, "bin") + "::/usr/bin:ro"}
	for _, v := range g.testEnv("/tmp") {
		args = append(args, "-e", v)
	}
	return args
}

// outside runs it on this host. What is wrong there is in its outcomes.
func (g *gotest) outside(pkg, binary string) outcomes {
	tmp, err := os.MkdirTemp("", "gotest")
	if err != nil {
		return outcomes{}
	}
	defer os.RemoveAll(tmp)
	name, args, env := binary, g.flags(pkg), g.testEnv(tmp)
	if g.modules() {
		name, args, env = g.byWazero(pkg, binary, tmp)
	}
	o, _ := g.collect(pkg, "host", env, name, args)
	return o
}

// collect runs a command in the package's folder, keeps its output in a file, and reads its outcomes.
func (g *gotest) collect(pkg, suffix string, env []string, name string, args []string) (outcomes, error) {
	ctx, cancel := context.WithTimeout(context.Background(), g.timeout+2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = g.source(pkg)
	cmd.Env = env
	cmd.WaitDelay = 10 * time.Second           // for what a test left behind that has its output open
	log, err := os.Create(g.file(pkg, suffix)) // which can be read meanwhile
	if err != nil {
		return outcomes{}, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	ended := cmd.Run()
	if err := log.Close(); err != nil {
		return outcomes{}, err
	}
	out, err := os.ReadFile(g.file(pkg, suffix))
	if err != nil {
		return outcomes{}, err
	}
	o := readOutcomes(out)
	var exit *exec.ExitError
	switch {
	case errors.As(ended, &exit):
		o.status = exit.ExitCode()
	case ended != nil:
		return o, ended
	}
	return o, nil
}
