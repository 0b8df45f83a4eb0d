// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"loam/internal/wasmfile"
)

// wasiCase is a module that is run in the machine, with what it gets and what is expected of it.
type wasiCase struct {
	name   string
	module []byte
	args   []string
	env    map[string]string
	root   string            // a folder of which the module gets a copy as "/", none if empty
	files  map[string]string // files of that folder's, instead
	stdin  string
	waits  bool // stdin has nothing and doesn't end
	exit   int
	stdout *string // nil: anything
	sorted bool    // stdout's lines may come in any order
}

// wasiTest is a campaign of them.
type wasiTest struct {
	b       *builder
	arch    string
	dir     string
	timeout time.Duration
	engines map[string]int
}

// wasiTestTarget is "wasitest", a campaign: the wasip1 modules of the wasi-testsuite, its modules with threads, and those of
// wazero's own tests, in the machine. Most of them only have to exit with 0, which a runtime that does nothing would do as well: so each is run a
// second time with a start function that traps, and has to fail then. The table goes to stdout.
func wasiTestTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("wasitest", flag.ContinueOnError)
	only := fs.String("run", ".", "only modules that match `REGEXP`")
	suite := fs.String("suite", "", "a `DIR` with the suite's files; without it git fetches "+suiteCommit[:12]+" of "+suiteURL)
	threads := fs.String("threads", "", "a `DIR` with the suite's proposals; without it "+threadsCommit[:12])
	timeout := fs.Duration("timeout", 2*time.Minute, "for each module")
	arch := archFlag(fs)
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	if err := b.ready(); err != nil {
		return err
	}
	for dir, commit := range map[*string]string{suite: suiteCommit, threads: threadsCommit} {
		if *dir != "" {
			continue
		}
		if *dir, err = b.fetchSuite(commit); err != nil {
			return err
		}
	}
	w := &wasiTest{b: b, arch: *arch, dir: b.path("build/out/wasitest/" + *arch), timeout: *timeout, engines: map[string]int{}}
	suites, err := suiteCases(*suite)
	if err != nil {
		return err
	}
	threaded, err := threadCases(*threads)
	if err != nil {
		return err
	}
	own, err := b.wazeroCases()
	if err != nil {
		return err
	}
	return errors.Join(w.run(os.Stdout, "wasi-testsuite", match, suites), w.run(os.Stdout, "wasi-threads", match, threaded),
		w.run(os.Stdout, "wazero's test data", match, own))
}

// run runs the cases that match, and writes the table.
func (w *wasiTest) run(out io.Writer, title string, match *regexp.Regexp, cases []wasiCase) error {
	passed, caught, n := 0, 0, 0
	clear(w.engines)
	for _, c := range cases {
		if !match.MatchString(c.name) {
			continue
		}
		n++
		verdict, control := "ok", "fails"
		if err := w.try(c); err != nil {
			verdict = "FAILED: " + err.Error()
		} else {
			passed++
		}
		switch err := w.control(c); {
		case errors.Is(err, errTrapped):
			caught++
		case err != nil:
			control = err.Error()
		default:
			control = "PASSES"
		}
		fmt.Fprintf(out, "%-8s %-48s control %-6s %s\n", w.arch, c.name, control, verdict)
	}
	if n == 0 {
		return nil
	}
	fmt.Fprintf(out, "%s: %s, %s: %d of %d pass, %d of %d fail with a start function that traps\n", w.arch, title, engineNames(w.engines), passed, n, caught, n)
	if passed+caught != 2*n {
		return fmt.Errorf("%s: %d modules fail, %d controls don't", title, n-passed, n-caught)
	}
	return nil
}

// engineNames are the engines that have run, each with how often.
func engineNames(engines map[string]int) string {
	var names []string
	for name, n := range engines {
		names = append(names, fmt.Sprintf("%s (%d runs)", name, n))
	}
	slices.Sort(names)
	return strings.Join(names, "; ")
}

// errTrapped says that a module ended by a trap.
var errTrapped = errors.New("a trap")

// control is the verdict on a case whose module traps when it starts.
func (w *wasiTest) control(c wasiCase) (err error) {
	if c.module, err = wasmfile.TrapStart(c.module); err != nil {
		return err
	}
	return w.try(c)
}

// exitTrap is loam's exit status for a trap.
const exitTrap = 134

// try runs a case once; the error is its verdict.
func (w *wasiTest) try(c wasiCase) error {
	module := filepath.Join(w.dir, "module.wasm")
	args := []string{"run", "-v", "--arch", w.arch, "--timeout", w.timeout.String()}
	root := filepath.Join(w.dir, "root")
	granted, err := c.makeRoot(root)
	if err == nil {
		err = os.WriteFile(module, c.module, 0o644)
	}
	if err != nil {
		return err
	}
	if granted {
		args = append(args, "--dir", root+"::/")
	}
	for k, v := range c.env {
		args = append(args, "-e", k+"="+v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), w.timeout+time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.b.path(exe), append(append(args, module), c.args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(c.stdin), &stdout, &stderr
	if c.waits {
		r, open, err := os.Pipe()
		if err != nil {
			return err
		}
		defer func() { _, _ = r.Close(), open.Close() }()
		cmd.Stdin = r
	}
	ended := cmd.Run()
	if cmd.ProcessState == nil {
		return ended
	}
	if m := wasiEngine.FindStringSubmatch(stderr.String()); m != nil {
		w.engines[m[1]]++
	}
	return c.judge(cmd.ProcessState.ExitCode(), stdout.String(), stderr.String())
}

// wasiEngine finds what loam run -v says of the engine.
var wasiEngine = regexp.MustCompile(`(?m)^loam: wasm: engine: ([^,;\n]*)`)

// makeRoot makes the folder that the module gets, anew.
func (c *wasiCase) makeRoot(root string) (bool, error) {
	if err := os.RemoveAll(root); err != nil {
		return false, err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return false, err
	}
	for name, content := range c.files {
		file := filepath.Join(root, filepath.FromSlash(name))
		dir, directory := filepath.Dir(file), strings.HasSuffix(name, "/")
		if directory {
			dir = file
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return false, err
		}
		if directory {
			continue
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return false, err
		}
	}
	if c.root == "" {
		return c.files != nil, nil
	}
	return true, os.CopyFS(root, os.DirFS(c.root))
}

// judge compares what a module did with what is expected.
func (c *wasiCase) judge(exit int, stdout, stderr string) error {
	if c.sorted {
		stdout = sortedLines(stdout)
	}
	switch {
	case exit == exitTrap && c.exit != exitTrap:
		return fmt.Errorf("%w: %s", errTrapped, lastWords(stderr))
	case exit != c.exit:
		return fmt.Errorf("exit status %d, not %d: %s", exit, c.exit, lastWords(stderr))
	case c.stdout != nil && stdout != *c.stdout:
		return fmt.Errorf("stdout %.200q, not %.200q", stdout, *c.stdout)
	}
	return nil
}

func sortedLines(s string) string {
	return strings.Join(slices.Sorted(strings.Lines(s)), "")
}

// lastWords are what a module said on standard error, but for what loam says itself, in a line.
func lastWords(stderr string) string {
	var words []string
	for line := range strings.Lines(stderr) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "loam: ") {
			words = append(words, line)
		}
	}
	return strings.Join(words[:min(len(words), 3)], " / ")
}
