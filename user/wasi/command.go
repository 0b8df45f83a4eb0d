// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"loam/user/wasi/preview1"
	"loam/user/wasi/runner"
)

const usage = "usage: wasi [-v] [--cache DIR] [--dir PATH[::NAME]]... MODULE.wasm [ARGUMENT...]"

// command makes the machine of a command line: the module is a file, and what it may
// is said by flags. It returns the exit code to end with, after it has said why, or 0.
func command(m *runner.Machine, args []string) int {
	conf, rest, err := parse(args)
	if err != nil {
		fmt.Fprintf(m.Stderr, "loam: wasi runner: %v\n%s\n", err, usage)
		return runner.ExitRunner
	}
	if err := apart(conf); err != nil {
		fmt.Fprintf(m.Stderr, "loam: wasi runner: %v\n", err)
		return runner.ExitRunner
	}
	module, err := os.ReadFile(rest[0])
	if err != nil {
		fmt.Fprintf(m.Stderr, "loam: cannot run %s: %v\n", rest[0], plain(err))
		return runner.ExitCannot
	}
	m.Args = rest
	m.File = func(name string) ([]byte, error) {
		switch name {
		case runner.FileModule:
			return module, nil
		case runner.FileConfig:
			return conf.Encode(), nil
		}
		return nil, syscall.ENOENT
	}
	return 0
}

// parse reads the flags; rest are the module and its arguments.
func parse(args []string) (conf runner.Config, rest []string, err error) {
	f := flag.NewFlagSet("wasi", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.BoolVar(&conf.Verbose, "v", false, "")
	f.Func("cache", "", func(s string) error {
		conf.Cache = s
		return line(s)
	})
	f.Func("dir", "", func(s string) error {
		path, name, other := strings.Cut(s, "::")
		if !other {
			name = path
		}
		conf.Folders = append(conf.Folders, preview1.Folder{Path: path, Name: name})
		return errors.Join(line(path), line(name))
	})
	if err = f.Parse(args); err == nil && f.NArg() == 0 {
		err = errors.New("no module")
	}
	return conf, f.Args(), err
}

// line refuses what the lines of a configuration can't hold.
func line(path string) error {
	if path == "" || strings.ContainsAny(path, "\n\r\t") {
		return errors.New("not a path that can be used")
	}
	return nil
}

// apart refuses a cache that the module could write to: what is there runs as the
// runner's own code.
func apart(conf runner.Config) error {
	if conf.Cache == "" {
		return nil
	}
	if err := os.MkdirAll(conf.Cache, 0o700); err != nil {
		return fmt.Errorf("--cache %s: %w", conf.Cache, plain(err))
	}
	cache, err := whole(conf.Cache)
	if err != nil {
		return fmt.Errorf("--cache %s: %w", conf.Cache, plain(err))
	}
	for _, folder := range conf.Folders {
		dir, err := whole(folder.Path)
		if err != nil {
			return fmt.Errorf("--dir %s: %w", folder.Path, plain(err))
		}
		if rel, err := filepath.Rel(dir, cache); err != nil || filepath.IsLocal(rel) {
			return fmt.Errorf("--cache %s: it lies in --dir %s, where the module could write code", conf.Cache, folder.Path)
		}
	}
	return nil
}

// whole is an absolute path without links.
func whole(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// plain is an error without the path that the message has already.
func plain(err error) error {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
