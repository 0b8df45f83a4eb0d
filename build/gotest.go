// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// gotestPatterns are the packages of Go's standard library whose tests gotest runs. runtime/... leaves out runtime/cgo, since
// the others are built without cgo; runtime/coverage has its tests, and os some of its own, in what is internal.
var gotestPatterns = strings.Fields(`bufio bytes compress/... container/... context crypto/... encoding/...
	errors fmt hash/... io/... log/... maps math/... mime/... net/... os/... path/... reflect regexp/... runtime/... runtime/cgo
	slices sort strconv strings sync/... syscall testing/... text/... time/... unicode/...
	internal/coverage/... internal/poll internal/runtime/... internal/syscall/...`)

// gotest is a campaign of Go's own tests: where its files are, and how a package is run.
type gotest struct {
	b       *builder
	goos    string // what the tests are built for: linux, or wasip1, which are modules
	arch    string // of the machines
	goroot  string
	dir     string // of test binaries, logs and the tools that tests look for
	timeout time.Duration
	host    bool // the same binaries run on this host, too: modules by wazero, if they failed in the machine
	resumes bool // a package whose kept result has no failures isn't run again
	rev     string
}

// gotestTarget is "gotest", a campaign: the tests of Go's standard library, as go test -c builds them,
// inside the machine. The table goes to stdout, and what each package wrote to build/out/gotest/ARCH.
func gotestTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("gotest", flag.ContinueOnError)
	goos := fs.String("os", "linux", "tests are built for this `OS`: linux, or wasip1 (modules)")
	only := fs.String("run", ".", "only packages that match `REGEXP`")
	jobs := fs.Int("j", 1, "machines at a time")
	timeout := fs.Duration("timeout", 30*time.Minute, "for each package")
	resume := fs.Bool("resume", false, "take the results that are kept of an earlier run where they have no failures")
	arch := archFlag(fs)
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	switch {
	case *jobs < 1:
		return fmt.Errorf("gotest: -j %d: at least 1 machine runs", *jobs)
	case *goos != "linux" && *goos != wasip1:
		return fmt.Errorf("gotest: -os %s: the machine runs what is built for linux or wasip1", *goos)
	}
	if err := b.ready(); err != nil {
		return err
	}
	g := b.gotest(*goos, *arch, *timeout)
	g.resumes = *resume
	return g.run(os.Stdout, *only, *jobs)
}

// gotestSmoke are two packages that test runs, so that the campaign stays one that can be run.
const gotestSmoke = "^(errors|io/ioutil)$"

func (b *builder) gotest(goos, arch string, timeout time.Duration) *gotest {
	g := &gotest{b: b, goos: goos, arch: arch, dir: b.path("build/out/gotest/" + arch), timeout: timeout, rev: b.revision(),
		host: runtime.GOOS == "linux" && runtime.GOARCH == arch}
	if g.modules() {
		g.dir, g.host = b.path("build/out/gotest/"+wasip1+"-"+arch), true
	}
	return g
}

// run runs the packages that match, some at a time, and writes the table.
func (g *gotest) run(w io.Writer, only string, jobs int) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	pkgs, err := g.prepare(match)
	if err != nil {
		return err
	}
	results := g.start(pkgs, jobs)
	var all table
	for i := range pkgs {
		r := <-results[i]
		all.add(w, r)
		fmt.Fprintf(os.Stderr, "gotest %d of %d  %s: %s\n", i+1, len(pkgs), r.pkg, r.counts())
	}
	return all.end(w)
}

// prepare finds the packages, and makes what their tests find in the machine.
func (g *gotest) prepare(match *regexp.Regexp) ([]string, error) {
	out, err := g.b.output(nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	g.goroot = strings.TrimSpace(out)
	patterns, tools := gotestPatterns, g.tools
	if g.modules() {
		patterns, tools = wasiPatterns, g.wasiTools
	}
	if err := tools(); err != nil {
		return nil, err
	}
	list := append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"}, patterns...)
	if out, err = g.b.output(g.buildEnv(), "go", list...); err != nil {
		return nil, err
	}
	var pkgs []string
	for _, pkg := range strings.Fields(out) {
		if match.MatchString(pkg) && g.buildable(pkg) {
			pkgs = append(pkgs, pkg)
		}
	}
	if len(pkgs) == 0 {
		return nil, errors.New("gotest: no package matches")
	}
	return pkgs, nil
}

// start has the packages run, and gives where each result comes.
func (g *gotest) start(pkgs []string, jobs int) []chan result {
	results := make([]chan result, len(pkgs))
	next := make(chan int, len(pkgs))
	for i := range pkgs {
		results[i] = make(chan result, 1)
		next <- i
	}
	close(next)
	for range jobs {
		go func() {
			for i := range next {
				results[i] <- g.result(pkgs[i])
			}
		}()
	}
	return results
}

// source is the folder of a package.
func (g *gotest) source(pkg string) string {
	return filepath.Join(g.goroot, "src", filepath.FromSlash(pkg))
}

// file is where a file of a package is, of those that the campaign makes.
func (g *gotest) file(pkg, what string) string {
	return filepath.Join(g.dir, strings.ReplaceAll(pkg, "/", "_")+"."+what)
}
