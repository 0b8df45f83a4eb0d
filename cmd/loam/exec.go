// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loam/host/exit"
	"loam/host/goexec"
	"loam/host/run"
)

// execMemory is a machine's memory in MiB: tests and their temporary files need more than most programs.
const execMemory = 1024

func execCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "exec [flags] PROGRAM [ARGS...]",
		Short: "Run a program for go test -exec and go run -exec",
		Long: `Run a program that go test or go run has built, as loam run does, and grant it by
itself what such a run needs: what go test starts may read its package's folder and
GOROOT's src and lib, what go run starts has the working directory, to be written, too.
Both may write where flags of go test (-coverprofile, -cpuprofile ...) have them, and
have a /tmp in memory and the machine's /dev. Of the environment they get what Go's runtime reads (GODEBUG,
GOMAXPROCS, GOTRACEBACK ...), PWD, TMPDIR and HOME; -e and --dir give more.

Native programs are to be built with CGO_ENABLED=0. The exit status is that of loam run.`,
		Example: `  CGO_ENABLED=0 go test -exec 'loam exec' ./...
  CGO_ENABLED=0 GOARCH=riscv64 go test -exec 'loam exec -m 2G --cpus 2' strings
  GOOS=wasip1 GOARCH=wasm go test -exec 'loam exec' strings
  CGO_ENABLED=0 go run -exec 'loam exec -e LEVEL=3' . -v
  CGO_ENABLED=0 go test -exec 'loam exec --dir ../testdata:ro' .`,
		Args: someProgram,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.bare || f.deterministic {
				return usageError{errors.New("--bare and --deterministic have no folders, which loam exec grants: loam run does without")}
			}
			if err := f.grant(cmd.Context(), args[0], args[1:]); err != nil {
				return err
			}
			return f.run(cmd, args)
		},
	}
	f.add(cmd)
	f.memory = execMemory
	cmd.Flags().Lookup("memory").DefValue = f.memory.String()
	return cmd
}

// grant adds what such a run needs to what is given by flags, which count more.
func (f *runFlags) grant(ctx context.Context, program string, args []string) error {
	here, err := os.Getwd()
	if err != nil {
		return exit.Errorf(exit.Loam, "%v", err)
	}
	if program, err = filepath.Abs(program); err != nil {
		return exit.Errorf(exit.Loam, "%v", err)
	}
	c := goexec.Command{Program: program, Args: args, Dir: here, GOROOT: goroot(ctx), Getenv: os.Getenv}
	for _, folder := range c.Folders() {
		given := func(g run.Folder) bool { return g.Guest == folder.Guest }
		if info, err := os.Stat(folder.Host); err != nil || !info.IsDir() || slices.ContainsFunc(f.folders, given) {
			continue // the program says what it misses
		}
		f.folders = append(f.folders, folder)
	}
	env := f.env
	f.env = envFlag{}
	for _, kv := range append(c.Env(), env.values...) {
		if err := f.env.Set(kv); err != nil {
			return usageError{err}
		}
	}
	f.temp = true
	return nil
}

// goroot is where Go's library is, as the go command in PATH says, which is first there in what go test starts. Empty:
// there is none.
func goroot(ctx context.Context) string {
	if dir := os.Getenv("GOROOT"); dir != "" {
		return dir
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
