// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"testing"
)

// gotestOutput is what a test binary writes with -test.v=test2json, which dies on its way.
const gotestOutput = "\x16=== RUN   TestGood\n\x16=== RUN   TestGood/part\n" +
	"\x16    --- PASS: TestGood/part (0.00s)\n\x16--- PASS: TestGood (0.01s)\n\x16=== NAME  \n" +
	"\x16=== RUN   TestBad\n\x16=== RUN   TestBad/part\n    x_test.go:7: no good\n\x16--- FAIL: TestBad/part (0.00s)\n\x16--- FAIL: TestBad (0.01s)\n" +
	"\x16=== RUN   TestSkipped\n    x_test.go:9: no tool\n\x16--- SKIP: TestSkipped (0.00s)\n" +
	"\x16=== RUN   TestNoLine\nhalf a line\x16--- PASS: TestNoLine (0.00s)\n" +
	"--- FAIL: TestOutput (0.00s)\n" + // what a test writes is no verdict
	"\x16=== RUN   ExampleDies\npanic: on purpose\n"

func TestReadOutcomes(t *testing.T) {
	const verbose = "loam: machine: microvm\nloam: wasm: engine: interpreter, because\n"
	o := readOutcomes([]byte(gotestOutput + verbose))
	o.expect(listed([]byte("TestGood\nBenchmarkGood\nTestLate\nloam: a line of another\n")))
	want := map[string]outcome{
		"TestGood":    {"PASS", ""},
		"TestBad":     {"FAIL", "x_test.go:7: no good"},
		"TestSkipped": {"SKIP", "x_test.go:9: no tool"},
		"TestNoLine":  {"PASS", "half a line"},
		"ExampleDies": {"", "panic: on purpose"},
		"TestLate":    {"", notReached},
	}
	for name, w := range want {
		if o.tests[name] != w {
			t.Errorf("%s: %q, want %q", name, o.tests[name], w)
		}
	}
	if len(o.tests) != len(want) || o.last != "panic: on purpose" || o.engine != "interpreter" {
		t.Errorf("%d tests, the last line is %q, the engine %q", len(o.tests), o.last, o.engine)
	}
}

func TestGotestTable(t *testing.T) {
	var out bytes.Buffer
	var all table
	r := result{pkg: "a/b", revision: "r1", loam: readOutcomes([]byte(gotestOutput))}
	r.loam.status = 2
	r.loam.expect([]string{"TestGood", "TestLate", "TestLater"})
	r.host = outcomes{tests: map[string]outcome{"TestSkipped": {verdict: "PASS"}, "TestBad": {verdict: "FAIL"}}}
	all.add(&out, r)
	all.add(&out, result{pkg: "c", revision: "r2", loam: outcomes{status: 1, last: "no memory"}})
	all.add(&out, result{pkg: "d", revision: "r1", err: errors.New("can't be built")})
	all.add(&out, result{pkg: "net", revision: "r2", left: gotestLeft["net"], loam: outcomes{engine: "an engine"}})
	if all.end(&out) == nil {
		t.Error("failures are no error")
	}
	want := `package                                   pass  fail  skip  seconds
a/b                                          2     4     1      0.0
    FAIL exit status 2: panic: on purpose
    FAIL ExampleDies has no end: panic: on purpose
    FAIL TestBad, on the host too: x_test.go:7: no good
    skip TestSkipped, not on the host: x_test.go:9: no tool
    FAIL not reached: TestLate TestLater
c                                            0     1     0      0.0
    FAIL exit status 1: no memory
d                                            0     1     0      0.0
    FAIL can't be built
net                                          0     0     0      0.0
    without ^TestSplice$/./^big$
4 packages                                   2     6     1
run at revisions: r1 (2), r2 (2)
engines: an engine (1 runs)
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
}

func TestGotestResume(t *testing.T) {
	g := &gotest{dir: t.TempDir()}
	good := []byte("\x16=== RUN   TestGood\n\x16--- PASS: TestGood (0.01s)\n")
	for _, r := range []result{{pkg: "a/good", revision: "r1", took: 3}, {pkg: "bad", loam: outcomes{status: 1}}, {pkg: "no", err: errors.New("no")}} {
		if err := os.WriteFile(g.file(r.pkg, "log"), good, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := g.keep(r); err != nil {
			t.Fatal(err)
		}
	}
	for pkg, want := range map[string]bool{"a/good": true, "bad": false, "no": false, "never": false} {
		if r, ok := g.resume(pkg); ok != want || r.pkg != pkg {
			t.Errorf("%s: %v, %+v", pkg, ok, r)
		}
	}
	r, _ := g.resume("a/good")
	if r.revision != "r1" || r.took != 3 || r.loam.count("PASS") != 1 {
		t.Errorf("%+v", r)
	}
	if err := g.forget("a/good"); err != nil {
		t.Fatal(err)
	}
	if err := g.forget("a/good"); err != nil {
		t.Error(err)
	}
	if _, ok := g.resume("a/good"); ok {
		t.Error("a forgotten result is there")
	}
}
