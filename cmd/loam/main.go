// SPDX-License-Identifier: Apache-2.0

// Command loam runs WebAssembly modules and static Linux programs on the Loam
// kernel, each in a virtual machine of its own.
//
// This package is the command line only: flags, signals, what is printed, and
// the exit status. Running is package host/run, the machine host/vm, finding
// out what this computer can do host/accel and host/doctor.
//
// Standard output belongs to the guest's program alone. Loam's own lines go to
// standard error and begin with "loam: ".
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"loam/host/compile"
	"loam/host/exit"
)

func main() {
	compile.ChildMain() // does not return in a child that compiles
	os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr))
}

// execute runs the command line args and returns the exit status.
func execute(args []string, stdout, stderr io.Writer) int {
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteC()
	var status statusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	}
	printError(stderr, cmd, err)
	return exit.Code(err)
}

// statusError is an exit status that needs no words.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("status %d", int(e)) }

// usageError is a command line that makes no sense.
type usageError struct{ error }

func printError(w io.Writer, cmd *cobra.Command, err error) {
	var usage usageError
	var e *exit.Error
	switch {
	case errors.As(err, &e):
		if text := e.Error(); text != "" {
			fmt.Fprintf(w, "loam: %s\n", text)
		}
		for _, more := range []string{e.Detail, e.Hint} {
			if more != "" {
				fmt.Fprintln(w, strings.TrimSuffix(more, "\n"))
			}
		}
	case errors.As(err, &usage):
		fmt.Fprintf(w, "loam: %v\nsee: %s --help\n", err, cmd.CommandPath())
	default:
		fmt.Fprintf(w, "loam: %v\n", err)
	}
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "loam",
		Short: "Run WebAssembly modules and static Linux programs on a microkernel of their own",
		Long: `Loam runs a program in a virtual machine of its own, on a small kernel written
in Go: WebAssembly modules (WASI preview 1) and static executables for linux/amd64
and linux/riscv64.`,
		Example: `  loam run hello.wasm
  loam run -e GREETING=hi -m 64M ./server --port 8080
  loam doctor`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(runCommand(), execCommand(), bootCommand(), psCommand(), doctorCommand(), benchCommand(), versionCommand())
	return root
}

// noArgs refuses arguments; without any the command prints its help.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if cmd.HasParent() {
		return usageError{fmt.Errorf("%s takes no arguments: %q", cmd.CommandPath(), args[0])}
	}
	err := fmt.Errorf("there is no command %q", args[0])
	if strings.ContainsAny(args[0], "./") {
		err = fmt.Errorf("there is no command %q; to run a program: loam run %s", args[0], args[0])
	}
	return usageError{err}
}
