// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// realModule is programs that people use, built as WASI modules.
type realModule struct {
	realProgram
	build func(t *testing.T) string // gives the folder where the modules are; nil: the packages are built by the go command
}

// TestRealModules runs modules that compilers for Go and C have made of programs that people use: here, and on the host by
// wazero's command with wazero's own WASI functions. What they print, how they end, and the files that they leave must be
// the same. Each has the folder as its "/".
func TestRealModules(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	if os.Getenv(programsVariable) == "" {
		t.Skip("not quick: ./x programs")
	}
	wazero := filepath.Join(builtPrograms(t, realProgram{name: "wazero", module: ".", pkgs: []string{"github.com/tetratelabs/wazero/cmd/wazero"}}, runtime.GOARCH), "wazero")
	for _, m := range realModules() {
		t.Run(m.name+".wasm", func(t *testing.T) {
			t.Parallel()
			built := m.modules(t)
			onHost, inMachine := m.folder(t), m.folder(t)
			for _, s := range m.steps {
				start := time.Now()
				cmd := exec.Command(wazero, append([]string{"run", "-cachedir", filepath.Join(vmtest.Dir(), "wazero"), "-mount", onHost + ":/", "-env", "PWD=/"}, s.args...)...)
				cmd.Dir = built // for a relative path is what both give the module as its name
				want := s.end(t, cmd)
				t.Logf("%.60q by wazero: exit status %d after %v", s.args, want.code, time.Since(start).Round(time.Millisecond))
				args := []string{"run", "--arch", vmtest.Arch(), "-m", "1G", "--dir", inMachine + "::/", "-e", "PWD=/"}
				s.compare(t, vmtest.Command{Dir: built, Args: append(args, s.args...)}, want)
			}
			sameFiles(t, m.contents(t, onHost, kindOf), m.contents(t, inMachine, kindOf))
			if m.after != nil {
				m.after(t, inMachine, "")
			}
		})
	}
}

// kindOf tells no permissions: WASI has none, and wazero gives 0600 where others give 0666.
func kindOf(mode fs.FileMode) string { return mode.Type().String() }

// leaves checks that a program has written files: two that fail alike leave none.
func leaves(names ...string) func(t *testing.T, folder, _ string) {
	return func(t *testing.T, folder, _ string) {
		for _, name := range names {
			if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// modules gives the folder where the modules are.
func (m realModule) modules(t *testing.T) string {
	t.Helper()
	if m.build != nil {
		return m.build(t)
	}
	return builtFor(t, m.realProgram, "wasip1", "wasm")
}

// realModules are the modules.
func realModules() []realModule {
	var list []realModule
	for _, p := range []realProgram{gofmt(), gojq(), goawk(), esbuild()} {
		if p.module == "" {
			p.module = programsModule
		}
		list = append(list, realModule{realProgram: p})
	}
	return append(list, lua(), sqlite3())
}

// goawk reads and writes files, and sorts by a function of its own.
func goawk() realProgram {
	var log strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&log, "10.0.%d.%d - - [%02d/Jan/2024] \"GET /p%d HTTP/1.1\" %d %d\n", i%7, i%251, i%28+1, i*i%97, 200+i%5/4*204, i*37%9973)
	}
	const report = `
function quicksort(a, lo, hi,   i, last, t) {
	if (lo >= hi) return
	last = lo
	for (i = lo + 1; i <= hi; i++) if (a[i] < a[lo]) { last++; t = a[last]; a[last] = a[i]; a[i] = t }
	t = a[lo]; a[lo] = a[last]; a[last] = t
	quicksort(a, lo, last - 1); quicksort(a, last + 1, hi)
}
{ bytes[$6] += $NF; hits[$6]++; if ($(NF-1) != 200) bad++ }
match($4, /[0-9]+/) { day[substr($4, RSTART, RLENGTH)]++ }
END {
	for (p in hits) names[++n] = p
	quicksort(names, 1, n)
	for (i = 1; i <= n; i++) printf "%-8s %6d %9d\n", names[i], hits[names[i]], bytes[names[i]] > "pages.txt"
	close("pages.txt")
	while ((getline line < "pages.txt") > 0) lines++
	for (i = 1; i <= 28; i++) printf "%s%d", (i > 1 ? "," : ""), day[sprintf("%02d", i)] >> "days.csv"
	print "" >> "days.csv"
	printf "%d pages, %d lines, %d bad, %.3f, %s\n", n, lines, bad, log(n) * sin(1), toupper(substr("end", 2))
	print "to stderr" > "/dev/stderr"
	exit (bad > 0 ? 3 : 0)
}
`
	return realProgram{name: "goawk", pkgs: []string{"github.com/benhoyt/goawk"},
		files: map[string]string{"log": log.String(), "report.awk": report, "data.csv": "a,b\n1,\"x, y\"\n2,\"ü\"\"\"\n"},
		steps: []realStep{
			{args: []string{"goawk", "-f", "report.awk", "log"}},
			{args: []string{"goawk", "-i", "csv", "-H", `{ print @"b", length(@"b"); n += @"a" } END { print n }`, "data.csv"}},
			{args: []string{"goawk", "-F:", "-v", "OFS=|", `{ $2 = NR; print; gsub(/o+/, "<&>"); print > "out." NR }`}, stdin: "foo:bar\nzoo:x\n"},
			{args: []string{"goawk", `BEGIN { print 1`}},
			{args: []string{"goawk", "{ print }", "missing"}},
		},
		after: leaves("pages.txt", "days.csv", "out.1", "out.2"),
	}
}
