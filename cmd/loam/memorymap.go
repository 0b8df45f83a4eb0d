// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"loam/abi/channel"
	"loam/host/exit"
	"loam/host/memorymap"
	"loam/host/run"
)

// mapFlags are those of the map of memory.
type mapFlags struct {
	file string // empty: none; "-": the table, on standard output
	at   momentFlag

	out  io.Writer // nil: none
	open *os.File  // out, if it is a file
	new  bool      // the file wasn't there before
}

func (f *mapFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.file, "memory-map", "", "draw the machine's physical memory into `FILE`: a picture in FILE.svg, a table in FILE.txt or with - on standard output")
	fl.Var(&f.at, "memory-map-at", "when: end (the program has ended and has its memory still), start, or a time after its first instruction such as 250ms")
}

// start opens the file, before anything runs. What it has stays until there is a
// map to be written.
func (f *mapFlags) start(stdout io.Writer) error {
	switch ext := filepath.Ext(f.file); {
	case ext == ".svg", ext == ".txt":
		_, err := os.Stat(f.file)
		f.new = errors.Is(err, os.ErrNotExist)
		if f.open, err = os.OpenFile(f.file, os.O_WRONLY|os.O_CREATE, 0o666); err != nil {
			return exit.Errorf(exit.Loam, "--memory-map: %v", err)
		}
		f.out = f.open
	case f.file == "-":
		f.out = stdout
	case f.file != "":
		return usageError{fmt.Errorf("--memory-map %s: the name has to end in .svg (a picture) or .txt (a table), or be -", f.file)}
	case f.at.given:
		return usageError{errors.New("--memory-map-at without --memory-map")}
	}
	return nil
}

// end closes a file that nothing was written to.
func (f *mapFlags) end() {
	if f.open != nil {
		_ = f.open.Close()
		if f.new {
			_ = os.Remove(f.file)
		}
	}
}

// ask puts into the options of a run that a map is wanted.
func (f *mapFlags) ask(o *run.Options) {
	if f.out != nil {
		o.MemoryMap, o.MapAt = new(memorymap.Decoder), f.at.parameter()
	}
}

// write writes the map. res and failed are how the run has ended; a map that was
// not made is a failure of its own only if there is no other.
func (f *mapFlags) write(o *run.Options, res run.Result, failed error) error {
	if f.out == nil {
		return failed
	}
	m, err := o.MemoryMap.Map()
	if err == nil {
		if f.open != nil {
			_ = f.open.Truncate(0) // what can't be cut, a pipe, has nothing
		}
		if f.at.Duration > 0 && m.Moment != channel.MapAtTime {
			fmt.Fprintf(o.Messages, "loam: --memory-map-at %v: the program ended before; the map shows its end\n", f.at.Duration)
		}
		info := memorymap.Info{Program: filepath.Base(o.Path), Machine: string(res.Machine), MemoryMiB: o.MemoryMiB, CPUs: o.CPUs, Ring: res.Ring}
		if filepath.Ext(f.file) == ".svg" {
			_, err = f.out.Write(m.SVG(info))
		} else {
			_, err = f.out.Write(m.Text(info))
		}
	}
	if err == nil && f.open != nil {
		err = f.open.Close()
		f.open = nil
	}
	switch {
	case err == nil || failed != nil:
		return failed
	case res.Code != 0:
		fmt.Fprintf(o.Messages, "loam: --memory-map: %v\n", err)
		return nil
	}
	return exit.Errorf(exit.Loam, "--memory-map: %v", err)
}

// momentFlag says when the map is made: a time after the program's first
// instruction, its start, or (the zero value) its end.
type momentFlag struct {
	time.Duration
	start, given bool
}

func (m *momentFlag) String() string {
	switch {
	case m.start:
		return "start"
	case m.Duration > 0:
		return m.Duration.String()
	}
	return "end"
}

func (m *momentFlag) Type() string { return "WHEN" }

// Set takes start, end, or a time as --timeout does.
func (m *momentFlag) Set(v string) error {
	*m = momentFlag{given: true}
	switch v {
	case "end":
		return nil
	case "start":
		m.start = true
		return nil
	}
	var d durationFlag
	if d.Set(v) != nil {
		return errors.New("not start, end, or a time such as 250ms or 2s")
	}
	m.Duration = d.Duration
	return nil
}

// parameter is the kernel's map=.
func (m *momentFlag) parameter() string {
	if m.Duration > 0 {
		return strconv.FormatInt(int64(m.Duration), 10)
	}
	return m.String()
}
