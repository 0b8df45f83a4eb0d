// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// outcome is how a test ended, and the last line that it wrote.
type outcome struct {
	verdict string // PASS, FAIL, SKIP, or none if it didn't come to its end
	said    string
}

// outcomes are those of a package's tests, without their parts.
type outcomes struct {
	tests  map[string]outcome
	status int    // of the program
	died   string // the line that says what ended it before its tests did
	engine string // that ran a module
	last   string // the last line that it wrote
}

// frame marks lines of the testing package, in the mode test2json.
const frame = "\x16"

// deadly matches what Go's runtime, the testing package and loam say when a program ends early.
var deadly = regexp.MustCompile(`^(panic: |fatal error: |loam: )`)

// verbose matches what loam run -v says, which is nobody's last word.
var verbose = regexp.MustCompile(`^loam: (machine|accelerator|guest CPU|wasm|times|kernel): `)

// notReached is said of a test that didn't begin.
const notReached = "was not reached"

// readOutcomes reads what a test binary wrote with -test.v=test2json.
func readOutcomes(out []byte) outcomes {
	o := outcomes{tests: map[string]outcome{}}
	current := ""
	for line := range bytes.Lines(out) {
		text := strings.TrimRight(string(line), "\r\n")
		if verbose.MatchString(text) {
			if m := wasiEngine.FindStringSubmatch(text); m != nil {
				o.engine = m[1]
			}
			continue
		}
		said, framed, is := strings.Cut(text, frame)
		if said = strings.TrimSpace(said); said != "" {
			o.last = said
			if o.died == "" && deadly.MatchString(said) {
				o.died = said
			}
			if t, known := o.tests[current]; known && t.verdict == "" {
				o.tests[current] = outcome{said: said}
			}
		}
		if is {
			current = o.frame(framed, current)
		}
	}
	return o
}

// frame takes a line of the testing package's, and returns the test that writes from there on.
func (o *outcomes) frame(text, current string) string {
	f := strings.Fields(text)
	if len(f) < 3 {
		return current
	}
	name, _, part := strings.Cut(strings.TrimSuffix(f[2], ":"), "/")
	switch {
	case f[0] == "===":
		if _, known := o.tests[name]; !known && f[1] == "RUN" {
			o.tests[name] = outcome{}
		}
		return name
	case f[0] == "---" && !part:
		o.tests[name] = outcome{strings.TrimSuffix(f[1], ":"), o.tests[name].said}
	}
	return current
}

// listed reads the names of tests that a test binary lists.
func listed(out []byte) (names []string) {
	for line := range strings.Lines(string(out)) {
		if name := strings.TrimSpace(line); testName.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

// testNames matches the names of tests, as a flag; testName one of them alone.
const testNames = "^(Test|Example|Fuzz)"

var testName = regexp.MustCompile(testNames + `\w*$`)

// expect adds the tests that should have run, too.
func (o *outcomes) expect(names []string) {
	for _, name := range names {
		if _, began := o.tests[name]; !began {
			o.tests[name] = outcome{said: notReached}
		}
	}
}

// count returns how many tests have a verdict.
func (o *outcomes) count(verdict string) (n int) {
	for _, t := range o.tests {
		if t.verdict == verdict {
			n++
		}
	}
	return n
}

// result is what is known of a package.
type result struct {
	pkg        string
	err        error    // why it couldn't be run
	loam, host outcomes // host's are empty if it wasn't run there
	left       string   // tests that are left out
	took       time.Duration
	listed     []string // the tests that there are, if it failed
	revision   string   // of what ran it
}

// failed is how many tests failed. One that didn't end did, and if none of them but the program has, that
// counts as one.
func (r *result) failed() int {
	n := r.loam.count("FAIL") + r.loam.count("")
	if n == 0 && (r.err != nil || r.loam.status != 0) {
		return 1
	}
	return n
}

func (r *result) counts() string {
	return fmt.Sprintf("%5d %5d %5d %8.1f", r.loam.count("PASS"), r.failed(), r.loam.count("SKIP"), r.took.Seconds())
}

// table prints results, and sums them up.
type table struct {
	packages, pass, fail, skip int
	failures                   []string // packages with any
	revisions                  []string // that ran packages, in the order of their first
	byRevision                 map[string]int
	engines                    map[string]int // how many packages they ran, of modules
}

const tableLine = "%-40s %s\n"

func (t *table) add(w io.Writer, r result) {
	if t.packages == 0 {
		fmt.Fprintf(w, tableLine, "package", " pass  fail  skip  seconds")
	}
	t.packages++
	t.count(r.revision)
	if r.loam.engine != "" {
		if t.engines == nil {
			t.engines = map[string]int{}
		}
		t.engines[r.loam.engine]++
	}
	t.pass += r.loam.count("PASS")
	t.fail += r.failed()
	t.skip += r.loam.count("SKIP")
	if r.failed() > 0 {
		t.failures = append(t.failures, r.pkg)
	}
	fmt.Fprintf(w, tableLine, r.pkg, r.counts())
	r.details(w)
}

// count notes which revision ran a package.
func (t *table) count(revision string) {
	if t.byRevision == nil {
		t.byRevision = map[string]int{}
	}
	if t.byRevision[revision] == 0 {
		t.revisions = append(t.revisions, revision)
	}
	t.byRevision[revision]++
}

// details prints which tests were left out, which failed, and which were skipped that the host ran.
func (r *result) details(w io.Writer) {
	if r.left != "" {
		fmt.Fprintf(w, "    without %s\n", r.left)
	}
	switch {
	case r.err != nil:
		fmt.Fprintf(w, "    FAIL %v\n", r.err)
	case r.loam.died != "" && r.loam.status != 0:
		fmt.Fprintf(w, "    FAIL exit status %d: %s\n", r.loam.status, r.loam.died)
	case r.loam.status != 0 && r.loam.count("FAIL") == 0:
		fmt.Fprintf(w, "    FAIL exit status %d: %s\n", r.loam.status, r.loam.last)
	}
	var late []string
	for _, name := range slices.Sorted(maps.Keys(r.loam.tests)) {
		here, there := r.loam.tests[name], r.host.tests[name]
		switch {
		case here.said == notReached:
			late = append(late, name)
		case here.verdict == "":
			fmt.Fprintf(w, "    FAIL %s has no end: %s\n", name, here.said)
		case here.verdict == "FAIL" && there.verdict == "FAIL":
			fmt.Fprintf(w, "    FAIL %s, on the host too: %s\n", name, here.said)
		case here.verdict == "FAIL":
			fmt.Fprintf(w, "    FAIL %s: %s\n", name, here.said)
		case here.verdict == "SKIP" && there.verdict == "PASS":
			fmt.Fprintf(w, "    skip %s, not on the host: %s\n", name, here.said)
		}
	}
	if late != nil {
		fmt.Fprintf(w, "    FAIL not reached: %s\n", strings.Join(late, " "))
	}
}

// end prints the sums.
func (t *table) end(w io.Writer) error {
	fmt.Fprintf(w, tableLine, fmt.Sprintf("%d packages", t.packages), fmt.Sprintf("%5d %5d %5d", t.pass, t.fail, t.skip))
	fmt.Fprintf(w, "run at revisions: %s\n", t.at())
	if t.engines != nil {
		fmt.Fprintf(w, "engines: %s\n", engineNames(t.engines))
	}
	if t.failures != nil {
		return fmt.Errorf("%d packages with failures: %s", len(t.failures), strings.Join(t.failures, " "))
	}
	return nil
}
