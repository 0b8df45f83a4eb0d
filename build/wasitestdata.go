// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// wazeroModule is the Go module whose tests' WebAssembly modules are run, too.
const wazeroModule = "github.com/tetratelabs/wazero"

// wazeroCases are the WASI modules in wazero's source, which compilers for C, Go, Rust and Zig have made: they list
// directories, ask what terminals are, wait, sleep, and open files.
func (b *builder) wazeroCases() ([]wasiCase, error) {
	dir, err := b.output(nil, "go", "list", "-m", "-f", "{{.Dir}}", wazeroModule)
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(strings.TrimSpace(dir), "imports", "wasi_snapshot_preview1")
	c := &wazeroData{dir: dir}
	built := b.path("build/out/wasitest/go.wasm")
	if err := b.run([]string{"GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=-buildvcs=false"}, "go", "build", "-o", built, filepath.Join(dir, "testdata/go/wasi.go")); err != nil {
		return nil, err
	}
	c.toolchains(built)
	c.rest()
	return c.list, c.err
}

// wazeroData collects cases.
type wazeroData struct {
	dir  string
	list []wasiCase
	err  error
}

// add adds a case of a module of wazero's, or of an absolute path.
func (w *wazeroData) add(name, file string, c wasiCase, stdout string, args ...string) {
	if !filepath.IsAbs(file) {
		file = filepath.Join(w.dir, filepath.FromSlash(file))
	}
	module, err := os.ReadFile(file)
	if err != nil && w.err == nil {
		w.err = err
	}
	c.name, c.module, c.args, c.stdout = "wazero/"+name, module, args, &stdout
	w.list = append(w.list, c)
}

// small is a directory with two files and an empty directory.
var small = map[string]string{"-": "", "a-/": "", "ab-": ""}

// many is how many files a directory has that doesn't fit into one answer.
const many = 2000

// toolchains adds what the programs of all compilers can.
func (w *wazeroData) toolchains(built string) {
	tons, listed := map[string]string{}, ""
	for i := range many {
		tons[fmt.Sprint(i)] = ""
		listed += fmt.Sprintf("./%d\n", i)
	}
	for _, t := range []string{"cargo-wasi", "tinygo", "zig-cc", "zig", "go"} {
		file := "testdata/" + t + "/wasi.wasm"
		if t == "go" {
			file = built
		}
		dots := ""
		if t == "zig-cc" { // its readdir leaves none out
			dots = "./.\n./..\n"
		}
		one := "./-\n./a-\n./ab-\n" + dots
		ls := wasiCase{files: small, sorted: true}
		w.add(t+"/ls empty", file, ls, dots, "ls", "./a-")
		w.add(t+"/ls file", file, ls, "ENOTDIR\n", "ls", "-")
		w.add(t+"/ls", file, ls, sortedLines(one), "ls", ".")
		if t != "tinygo" { // whose Readdir can't begin again
			w.add(t+"/ls twice", file, ls, sortedLines(one+one), "ls", ".", "repeat")
		}
		w.add(t+"/ls many", file, wasiCase{files: tons, sorted: true}, sortedLines(listed+dots), "ls", ".")
		w.add(t+"/stat", file, wasiCase{files: small}, "stdin isatty: false\nstdout isatty: false\nstderr isatty: false\n/ isatty: false\n", "stat")
	}
	w.add("go/stdin", built, wasiCase{stdin: "some text"}, "some text", "stdin")
}

// rest adds what only some can.
func (w *wazeroData) rest() {
	const zig, c = "testdata/zig/wasi.wasm", "testdata/zig-cc/wasi.wasm"
	w.add("zig/preopen", zig, wasiCase{files: small}, "0: stdin\n1: stdout\n2: stderr\n3: /\n", "preopen")
	w.add("zig-cc/poll input", c, wasiCase{stdin: "test"}, "STDIN\n", "poll", "60", "0")
	w.add("zig-cc/poll end", c, wasiCase{}, "STDIN\n", "poll", "60", "0")
	w.add("zig-cc/sleep", c, wasiCase{}, "OK\n", "sleepmillis", "100")
	w.add("zig-cc/open rdonly", c, wasiCase{files: small}, "OK\n", "open-rdonly")
	w.add("zig-cc/open wronly", c, wasiCase{files: small}, "OK\n", "open-wronly")
	w.add("print_prestat_dirname", "testdata/print_prestat_dirname.wasm", wasiCase{files: small}, "/")
	w.add("exit_on_start", "testdata/exit_on_start.wasm", wasiCase{exit: 2}, "")
	for _, t := range []string{"cargo-wasi", "tinygo", "zig-cc", "zig"} {
		file := "example/testdata/" + t + "/cat.wasm"
		w.add(t+"/cat", file, wasiCase{files: map[string]string{"sub/test.txt": "some text\n"}}, "some text\n", "sub/test.txt")
	}
}
