// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"loam/test/vm/vmtest"
	"loam/test/wasm"
)

// served runs a program as a person does: with init, the personality and the console streams.
func served(t *testing.T, stdin []byte, args ...string) *vmtest.Result {
	t.Helper()
	return vmtest.Command{Served: true, Args: append([]string{"run"}, args...), Stdin: bytes.NewReader(stdin)}.Do(t)
}

// TestServedHello: a program says hello and ends, and nothing is left, on each kind of machine.
func TestServedHello(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, kind := range vmtest.Machines(kinds()...) {
		for _, cpus := range vmtest.CPUs("1", "4") {
			t.Run(kind+"/"+cpus, func(t *testing.T) {
				t.Parallel()
				stats := filepath.Join(t.TempDir(), "stats")
				r := served(t, nil, on(kind, "--cpus", cpus, "-v", "--stats", stats, vmtest.Program(t, "hello"))...)
				r.WantStdout(t, 0, "hello, world\n")
				wantNothingLeft(t, r)
				if text, err := os.ReadFile(stats); err != nil || !bytes.Contains(text, []byte("first_user_instruction ")) {
					t.Errorf("--stats: %v, %s", err, text)
				}
				r = served(t, nil, on(kind, "--cpus", cpus, vmtest.File(t, "module.wasm", wasm.Hello()))...)
				r.WantStdout(t, 0, "hello, world\n")
			})
		}
	}
}

// TestServedStreams: stdin, stdout and stderr are streams of bytes, each by itself and to its end.
func TestServedStreams(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool, echo := vmtest.Program(t, "tool"), vmtest.File(t, "module.wasm", wasm.Echo())
	for name, in := range map[string][]byte{"nothing": nil, "a byte": {0}, "frame": randomBytes("a", 65536), "many": randomBytes("b", 4<<20)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := served(t, in, tool, "both")
			for i := range r.Stderr {
				r.Stderr[i] = ^r.Stderr[i]
			}
			if r.Code != 0 || !bytes.Equal(r.Stdout, in) || !bytes.Equal(r.Stderr, in) {
				t.Errorf("exit status %d, %d bytes on stdout and %d on stderr of %d, or others", r.Code, len(r.Stdout), len(r.Stderr), len(in))
			}
			if r := served(t, in[:min(len(in), 300_000)], echo); r.Code != 0 || !bytes.Equal(r.Stdout, in[:min(len(in), 300_000)]) {
				t.Errorf("a module: %s", r)
			}
		})
	}
	// What isn't read isn't waited for.
	served(t, randomBytes("c", 1<<20), tool, "exit", "3").WantStdout(t, 3, "")
}

// TestServedEnds: how a program ends is what loam says, and all it wrote before has come.
func TestServedEnds(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	for _, code := range []int{0, 1, 77, 125, 255} {
		served(t, nil, tool, "exit", fmt.Sprint(code)).WantStdout(t, code, "")
	}
	for command, words := range map[string][]string{
		"panic": {"panic: on purpose", "goroutine 1 [running]:", "tool/main.go"},
		"dead":  {"fatal error: all goroutines are asleep - deadlock!"},
	} {
		r := served(t, nil, tool, command)
		r.WantStdout(t, 2, "")
		for _, w := range words {
			if !strings.Contains(string(r.Stderr), w) {
				t.Errorf("stderr does not say %q: %s", w, r)
			}
		}
	}
	r := served(t, nil, "--timeout", "3s", tool, "ready", "busy")
	if r.WantReason(t, 124, "timeout", "3s"); string(r.Stdout) != "ready\n" || r.Took < 3*time.Second {
		t.Error(r)
	}
	r = served(t, nil, "-m", "48M", tool, "eat")
	if r.WantReason(t, 137, "out of memory: tool (pid ", "was killed; the machine has ", "(-m gives it more)"); string(r.Stdout) != "hungry\n" {
		t.Error(r)
	}
	served(t, nil, vmtest.File(t, "module.wasm", wasm.Exit(134))).WantStdout(t, 134, "")
}

// TestServedMemory: from the smallest machine that loam takes to the first in which a program runs, each
// says soon what is the matter, and that one is no larger than is promised.
func TestServedMemory(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const most = 24
	for _, kind := range vmtest.Machines(kinds()...) {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			hello := vmtest.Program(t, "hello")
			for mib := 8; ; mib++ {
				r := served(t, nil, on(kind, "-m", fmt.Sprint(mib, "M"), hello)...)
				if r.Code == 0 {
					return
				}
				text := string(r.Stderr)
				if !slices.Contains([]int{125, 137}, r.Code) || !strings.Contains(text, "memory") || !strings.Contains(text, "-m") {
					t.Errorf("%d MiB: %s", mib, r)
				}
				if mib == most {
					t.Fatalf("%d MiB are not enough", mib)
				}
			}
		})
	}
}

// TestServedBehave: the assistant that behaves finds nothing different.
func TestServedBehave(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	served(t, nil, "-m", "256M", vmtest.Program(t, "behave")).Cases(t)
}
