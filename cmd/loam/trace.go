// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/pflag"

	"loam/host/run"
)

// traceFlags say what is told of the calls that a program makes of the personality.
type traceFlags struct {
	syscalls bool
	trace    string // a file, "-" is standard error; "": nothing
	file     *os.File
}

func (f *traceFlags) add(fl *pflag.FlagSet) {
	fl.BoolVar(&f.syscalls, "syscalls", false, "at the end, write a table of the program's Linux calls to standard error: those that the kernel doesn't answer itself")
	fl.StringVar(&f.trace, "trace", "", "write a line for each of these calls to standard error, or to `FILE`")
	fl.Lookup("trace").NoOptDefVal = "-"
}

// ask has it asked of a machine. bare has nobody who could tell.
func (f *traceFlags) ask(o *run.Options, stderr io.Writer) error {
	if !f.syscalls && f.trace == "" {
		return nil
	}
	if o.Bare || o.Deterministic {
		return usageError{errors.New("--bare and --deterministic have nothing in the machine that would look at calls: no --syscalls, no --trace")}
	}
	o.Syscalls = f.syscalls
	switch f.trace {
	case "":
	case "-":
		o.Trace = stderr
	default:
		file, err := os.Create(f.trace)
		if err != nil {
			return err
		}
		f.file, o.Trace = file, file
	}
	return nil
}

// close ends the file, if there is one.
func (f *traceFlags) close() {
	if f.file != nil {
		_ = f.file.Close()
	}
}
