// SPDX-License-Identifier: Apache-2.0

// Command userland is the few tools that tests of Go's standard library look for in PATH: it does what
// the name says that it is started by.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	if err := do(filepath.Base(os.Args[0]), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "userland:", err)
		os.Exit(1)
	}
}

func do(name string, args []string) error {
	switch name {
	case "cat":
		return cat(args)
	case "echo":
		_, err := fmt.Println(strings.Join(args, " "))
		return err
	case "nohup":
		return nohup(args)
	case "pwd":
		dir, err := os.Getwd()
		if err == nil {
			_, err = fmt.Println(dir)
		}
		return err
	}
	return fmt.Errorf("%s is not one of its names", name)
}

// nohup runs a program that SIGHUP doesn't end.
func nohup(args []string) error {
	if len(args) == 0 {
		return errors.New("nohup: which program?")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGHUP)
	return syscall.Exec(path, args, os.Environ())
}

// cat writes the files, or what comes if there are none.
func cat(files []string) error {
	if len(files) == 0 {
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(os.Stdout, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
