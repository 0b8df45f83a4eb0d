// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// runTarget is "run": the program's streams and exit code are ours.
func runTarget(b *builder, args []string) error {
	if err := b.ready(); err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{b.path("build/out/demo.wasm")}
	}
	return become(append([]string{b.path(exe), "run"}, args...))
}

// ready sets up and builds.
func (b *builder) ready() error {
	if err := setupTarget(b, nil); err != nil {
		return err
	}
	return buildTarget(b, nil)
}

// become replaces this process by a command, in the folder we were started in,
// so that signals and the exit code need no passing on. Where a process can't
// be replaced it runs the command as a child.
func become(argv []string) error {
	err := syscall.Exec(argv[0], argv, os.Environ())
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.ENOSYS) {
		return fmt.Errorf("%s: %w", argv[0], err)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exitCode(exit.ExitCode())
	}
	return err
}
