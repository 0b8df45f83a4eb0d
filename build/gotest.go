// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"
)

// gotestPatterns are the packages of Go's standard library whose tests gotest runs.
var gotestPatterns = strings.Fields(`bufio bytes compress/... container/... context crypto/... encoding/...
	errors fmt hash/... io/... log/... maps math/... mime/... os/... path/... reflect regexp/... runtime/...
	slices sort strconv strings sync/... syscall testing/... text/... time/... unicode/...`)

// gotest is a campaign of Go's own tests: where its files are, and how a package is run.
type gotest struct {
	b       *builder
	arch    string
	goroot  string
	dir     string // of test binaries, logs and the tools that tests look for
	timeout time.Duration
	host    bool // the same binaries run on this host, too
}

// gotestTarget is "gotest", a campaign: the tests of Go's standard library, as go test -c builds them,
// inside the machine. The table goes to stdout, and what each package wrote to build/out/gotest/ARCH.
func gotestTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("gotest", flag.ContinueOnError)
	only := fs.String("run", ".", "only packages that match `REGEXP`")
	jobs := fs.Int("j", 1, "machines at a time")
	timeout := fs.Duration("timeout", 30*time.Minute, "for each package")
	arch := archFlag(fs)
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if *jobs < 1 {
		return fmt.Errorf("gotest: -j %d: at least 1 machine runs", *jobs)
	}
	if err := b.ready(); err != nil {
		return err
	}
	g := &gotest{b: b, arch: *arch, dir: b.path("build/out/gotest/" + *arch), timeout: *timeout,
		host: runtime.GOOS == "linux" && runtime.GOARCH == *arch}
	pkgs, err := g.prepare(match)
	if err != nil {
		return err
	}
	return g.runAll(pkgs, *jobs)
}

// prepare finds the packages, and makes what their tests find in the machine.
func (g *gotest) prepare(match *regexp.Regexp) ([]string, error) {
	out, err := g.b.output(nil, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	g.goroot = strings.TrimSpace(out)
	if err := g.tools(); err != nil {
		return nil, err
	}
	list := append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"}, gotestPatterns...)
	if out, err = g.b.output(g.buildEnv(), "go", list...); err != nil {
		return nil, err
	}
	var pkgs []string
	for _, pkg := range strings.Fields(out) {
		if match.MatchString(pkg) {
			pkgs = append(pkgs, pkg)
		}
	}
	if len(pkgs) == 0 {
		return nil, errors.New("gotest: no package matches")
	}
	return pkgs, nil
}

// runAll runs the packages, some at a time, and prints their lines in order.
func (g *gotest) runAll(pkgs []string, jobs int) error {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	next := make(chan int)
	results := make([]chan result, len(pkgs))
	for i := range results {
		results[i] = make(chan result, 1)
	}
	var workers sync.WaitGroup
	for range jobs {
		workers.Go(func() {
			for i := range next {
				results[i] <- g.test(pkgs[i])
			}
		})
	}
	go func() {
		defer close(next)
		for i := range pkgs {
			next <- i
		}
	}()
	var all table
	for i := range pkgs {
		select {
		case r := <-results[i]:
			all.add(os.Stdout, r)
			fmt.Fprintf(os.Stderr, "gotest %d of %d  %s: %s\n", i+1, len(pkgs), r.pkg, r.counts())
		case <-interrupted:
			return errors.New("interrupted")
		}
	}
	workers.Wait()
	return all.end(os.Stdout)
}

// file is where a file of a package is.
func (g *gotest) file(pkg, what string) string {
	return filepath.Join(g.dir, strings.ReplaceAll(pkg, "/", "_")+"."+what)
}
