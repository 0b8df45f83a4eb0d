// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The suite's branch of compiled modules (prod/testsuite-base), at a commit: whose number is also the sum over its files.
const (
	suiteURL    = "https://github.com/WebAssembly/wasi-testsuite"
	suiteCommit = "9f80ca35444cfd9e63100725615140a346652e6c"
)

// The same with the tests of proposals (prod/testsuite-all), of which those of wasi-threads are run.
const threadsCommit = "3db7f5d1bf71ef31024aa153807e2f243b2e6d24"

// fetchSuite fetches the suite at a commit, if it isn't there yet, and returns its folder.
func (b *builder) fetchSuite(commit string) (string, error) {
	dir := b.path("build/out/wasi-testsuite-" + commit[:12])
	done := filepath.Join(dir, ".git", "fetched-"+commit)
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	for _, args := range [][]string{
		{"init", "-q", dir},
		{"-C", dir, "fetch", "-q", "--depth=1", suiteURL, commit},
		{"-C", dir, "checkout", "-q", "--force", commit},
	} {
		if err := b.run(nil, "git", args...); err != nil {
			return "", fmt.Errorf("fetching the suite: %w (-suite and -threads take folders that are here)", err)
		}
	}
	return dir, os.WriteFile(done, nil, 0o644)
}

// suiteModules are where the suite has its modules.
const suiteModules = "tests/*/testsuite/wasm32-wasip1/*.wasm"

// threadModules are where the proposals' part has those of wasi-threads.
const threadModules = "tests/proposals/wasi-threads/*.wasm"

// threadCases are those, of which some want to read where nothing comes.
func threadCases(dir string) ([]wasiCase, error) {
	list, err := casesOf(dir, threadModules)
	for i := range list {
		list[i].waits = true
	}
	return list, err
}

// suiteCases are the suite's modules, as the files beside them say.
func suiteCases(dir string) ([]wasiCase, error) { return casesOf(dir, suiteModules) }

func casesOf(dir, modules string) ([]wasiCase, error) {
	files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(modules)))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no modules %s", dir, modules)
	}
	var list []wasiCase
	for _, file := range files {
		c, e := suiteCase(dir, file)
		err = errors.Join(err, e)
		list = append(list, c)
	}
	return list, err
}

// suiteCase reads a module and its specification, which may be absent.
func suiteCase(dir, file string) (c wasiCase, err error) {
	below, err := filepath.Rel(filepath.Join(dir, "tests"), file)
	if err != nil {
		return c, err
	}
	parts := strings.Split(filepath.ToSlash(below), "/")
	c.name = parts[0] + "/" + strings.TrimSuffix(parts[len(parts)-1], ".wasm")
	if c.module, err = os.ReadFile(file); err != nil {
		return c, err
	}
	var spec struct {
		Args   []string
		Env    map[string]string
		Root   string
		Stdout *string
		Exit   int `json:"exit_code"`
	}
	text, err := os.ReadFile(strings.TrimSuffix(file, ".wasm") + ".json")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	if err == nil {
		if err := json.Unmarshal(text, &spec); err != nil {
			return c, fmt.Errorf("%s: %w", c.name, err)
		}
	}
	c.args, c.env, c.exit, c.stdout = spec.Args, spec.Env, spec.Exit, spec.Stdout
	if spec.Root != "" {
		c.root = filepath.Join(filepath.Dir(file), filepath.FromSlash(spec.Root))
	}
	return c, nil
}
