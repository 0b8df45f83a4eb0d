// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// check is one thing that test or lint does.
type check struct {
	name string
	run  func() error
}

// runChecks runs them all, also after a failure, and sums up: the last line is
// PASS or FAIL. what is the target's name.
func runChecks(what string, checks []check) error {
	start := time.Now()
	var failed []string
	for _, c := range checks {
		fmt.Fprintf(os.Stderr, "%-5s  %s\n", what, c.name)
		t := time.Now()
		verdict := "ok"
		if err := c.run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			verdict = "FAILED"
			failed = append(failed, c.name)
		}
		fmt.Fprintf(os.Stderr, "%-5s  %s: %s  %.1fs\n", what, c.name, verdict, time.Since(t).Seconds())
	}
	if failed != nil {
		fmt.Fprintf(os.Stderr, "%-5s  failed: %s\n", what, strings.Join(failed, "; "))
		fmt.Println("FAIL")
		return exitCode(1)
	}
	fmt.Fprintf(os.Stderr, "%-5s  all passed  %.1fs\n", what, time.Since(start).Seconds())
	fmt.Println("PASS")
	return nil
}

// testTarget is "test". Flags are handed to the in-machine suites.
func testTarget(b *builder, flags []string) error {
	if err := b.ready(); err != nil {
		return err
	}
	if err := b.checked(); err != nil {
		return err
	}
	checks := []check{
		{"go vet ./...", func() error { return b.run(nil, "go", "vet", "./...") }},
		{"go test ./...", func() error { return b.run(nil, "go", "test", "./...") }},
	}
	machine := append([]string{"test", "-count=1", "-timeout=25m"}, flags...)
	for _, arch := range arches {
		checks = append(checks, check{"in the machine for " + arch + ": go test ./test/vm/...", func() error {
			return b.run(b.testEnv(arch), "go", append(machine, "./test/vm/...")...)
		}})
		cpus := checkedCPUs[arch]
		checks = append(checks, check{"on " + cpus + " CPUs for " + arch + ", a kernel with checks", func() error {
			return b.run(b.checkedEnv(arch, cpus), "go", append(machine, "-run", severalCPUs, "./test/vm/...")...)
		}})
	}
	checks = append(checks, check{"Go's own tests in the machine", func() error {
		return b.gotest("linux", "amd64", 5*time.Minute).run(os.Stderr, gotestSmoke, 2)
	}})
	return runChecks("test", checks)
}

// checkedCPUs are how many CPUs a kernel with checks has in test: what differs between these numbers
// is the same code on both architectures. ./x smp -checked has all of them.
var checkedCPUs = map[string]string{"amd64": "4", "riscv64": "2"}

// severalCPUs are the tests that test runs on several CPUs; ./x smp runs them all.
const severalCPUs = "^Test(Hello|Behave|RuntimeErrors|CPUs|SMP.*|Misbehave|Deaths|Objects|FuzzCalls)$"

// view is a way to look at the source: a platform and build tags.
type view struct{ goos, goarch, tags string }

func (v view) String() string {
	s := v.goos + "/" + v.goarch
	if v.tags != "" {
		s += " -tags " + v.tags
	}
	return s
}

func (v view) env() []string {
	return []string{"GOOS=" + v.goos, "GOARCH=" + v.goarch, "CGO_ENABLED=0"}
}

// checks are staticcheck's for this view: in the kernel it can't see what only
// assembly calls, and would report that as unused.
func (v view) checks() string {
	if v.tags == "loam" {
		return "inherit,-U1000"
	}
	return "inherit"
}

// views are the ones that lint takes.
var views = []view{
	{"linux", "amd64", ""},
	{"linux", "amd64", "loam"},
	{"linux", "riscv64", ""},
	{"linux", "riscv64", "loam"},
	{"darwin", "arm64", ""},
}

// lintTarget is "lint".
func lintTarget(b *builder, _ []string) error {
	checks := []check{{"gofmt", b.gofmt}}
	for _, v := range views {
		checks = append(checks, check{"go vet " + v.String(), func() error {
			return b.run(v.env(), "go", "vet", "-tags="+v.tags, "./...")
		}})
	}
	// staticcheck is built for this host, whatever it then looks at.
	staticcheck := b.path("build/out/staticcheck")
	if err := b.goBuild(nil, staticcheck, "honnef.co/go/tools/cmd/staticcheck"); err != nil {
		return err
	}
	for _, v := range views {
		if v.goos != "linux" { // what other hosts have of their own is a few lines, which vet sees
			continue
		}
		checks = append(checks, check{"staticcheck " + v.String(), func() error {
			return b.run(v.env(), staticcheck, "-tags="+v.tags, "-checks="+v.checks(), "./...")
		}})
	}
	checks = append(checks, check{"tools/check, with proofs over the kernel", b.rules})
	return runChecks("lint", checks)
}

// rules checks Loam's own rules, over the source and over kernels fresh built.
func (b *builder) rules() error {
	out := b.path("build/out")
	for _, arch := range arches {
		if err := b.kernel(arch, out, out); err != nil {
			return err
		}
		kernel := filepath.Join(out, "kernel-"+arch)
		if err := b.run(nil, "go", "run", "./tools/check", "-kernel", kernel+".linked", "-image", kernel); err != nil {
			return err
		}
	}
	return nil
}

// gofmt lists the files that gofmt would change.
func (b *builder) gofmt() error {
	cmd := b.command(nil, "gofmt", "-l", ".")
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("gofmt: %w", err)
	}
	if out.Len() > 0 {
		return errors.New("not formatted (gofmt -w FILE mends it):\n" + strings.TrimSpace(out.String()))
	}
	return nil
}

// benchTarget is "bench". The kept figures are the repository's, wherever we
// were started.
func benchTarget(b *builder, args []string) error {
	if err := b.ready(); err != nil {
		return err
	}
	if err := os.Setenv("LOAM_ROOT", b.root); err != nil {
		return err
	}
	return become(append([]string{b.path(exe), "bench"}, args...))
}
