// SPDX-License-Identifier: Apache-2.0

// Command modulecache starts modules in its machine, by the WASI runner that lies as "wasi" in the folder /w, and has
// their code kept: in the machine's memory, and in /w.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"loam/test/programs/cases"
	"loam/test/wasm"
)

func main() {
	cases.Main([]cases.Case{
		{Name: "in memory", Run: func() error { return keep("/tmp/cache") }},
		{Name: "damaged", Run: func() error { return damaged("/tmp/damaged") }},
		{Name: "in a folder", Run: func() error { return keep("/w/cache") }},
		{Name: "not the module's", Run: granted},
	})
}

const module = "/tmp/module.wasm"

// What the runner says of the code.
const made, found = "code compiled in the guest", "code found in the cache"

// keep starts a module for which compiling is most of the work: the second start has to take less than half of the
// CPU's time that the first took.
func keep(dir string) error {
	if err := os.WriteFile(module, wasm.Large(300_000, 1), 0o666); err != nil {
		return err
	}
	first, cold, err := start(dir, made)
	if err != nil {
		return err
	}
	second, warm, err := start(dir, found)
	if err == nil && (second != first || len(first) != 4) {
		err = fmt.Errorf("it computed %x, and then %x", first, second)
	}
	fmt.Fprintf(os.Stderr, "%s: the first start took %v, the second %v\n", dir, cold, warm)
	if warm > cold/2 {
		err = errors.Join(err, fmt.Errorf("the second start took %v, the first %v", warm, cold))
	}
	return err
}

// damaged changes a byte of the code: it is compiled anew, and kept again.
func damaged(dir string) error {
	if err := os.WriteFile(module, wasm.Large(20_000, 1), 0o666); err != nil {
		return err
	}
	want, _, err := start(dir, made)
	if err != nil {
		return err
	}
	list, err := filepath.Glob(filepath.Join(dir, strings.Repeat("?", 64)))
	if err != nil || len(list) != 1 {
		return fmt.Errorf("entries %v, %w", list, err)
	}
	b, err := os.ReadFile(list[0])
	if err != nil {
		return err
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(list[0], b, 0o600); err != nil {
		return err
	}
	for _, word := range []string{made, found} {
		if got, _, err := start(dir, word); err != nil || got != want {
			return fmt.Errorf("damaged: it computed %x, not %x; %w", got, want, err)
		}
	}
	return nil
}

// start runs the module with its code kept in dir and returns what it wrote, and how much of the CPU's time it took. The
// runner has to say the word.
func start(dir, word string) (string, time.Duration, error) {
	var out, errs strings.Builder
	c := exec.Command("/w/wasi", "-v", "--cache", dir, module)
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if err == nil && strings.Contains(errs.String(), word) {
		return out.String(), c.ProcessState.UserTime() + c.ProcessState.SystemTime(), nil
	}
	return "", 0, fmt.Errorf("%w; no %q in %q", err, word, errs.String())
}

// granted has a module whose own folder is the cache: it could write what runs as the runner's code.
func granted() error {
	b, err := exec.Command("/w/wasi", "--dir", "/tmp::/", "--cache", "/tmp/cache", module).CombinedOutput()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 125 || !strings.Contains(string(b), "it lies in --dir") {
		return fmt.Errorf("%w, %q", err, b)
	}
	return nil
}
