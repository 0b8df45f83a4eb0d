// SPDX-License-Identifier: Apache-2.0

// Package program reads the file that a person wants to run and says what it
// is, before any machine is started. It goes by content, never by name or
// permission bits. A file that can't be run is refused with one line that says
// what it is instead, and with the exit status that shells and docker use: 127
// for a file that is not there, 126 for one that is no program for Loam.
//
// The whole file is read, not mapped: it may change or shrink while loam runs.
package program

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"loam/host/exit"
	"loam/internal/wasmfile"
	"loam/loader"
	"loam/user/wasi/runner"
)

// MaxSize is the largest program in bytes.
const MaxSize = 1 << 30

// Kind is the kind of a program.
type Kind int

const (
	// Native is a static ELF executable for Linux.
	Native Kind = iota
	// Wasm is a WASI preview 1 command module.
	Wasm
)

// Program is a file that Loam can run.
type Program struct {
	Path string
	Kind Kind
	Arch string // of a native one: amd64 or riscv64; empty for a module
	Data []byte
}

// Load reads and checks the program at path. Its errors are of the type
// *exit.Error.
func Load(path string) (*Program, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	kind, arch, err := Sniff(data)
	if err != nil {
		return nil, &exit.Error{Code: exit.CannotRun, Text: path + ": " + err.Error()}
	}
	return &Program{Path: path, Kind: kind, Arch: arch, Data: data}, nil
}

// read returns the content of a file or pipe.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case path == "":
		return nil, exit.Errorf(exit.NotFound, "the program's path is empty")
	case errors.Is(err, fs.ErrNotExist):
		return nil, notFound(path)
	case err != nil:
		return nil, exit.Errorf(exit.CannotRun, "%s: %v", path, cause(err))
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, exit.Errorf(exit.CannotRun, "%s: %v", path, cause(err))
	}
	switch mode := st.Mode(); {
	case mode.IsDir():
		return nil, exit.Errorf(exit.CannotRun, "%s: is a directory, not a program", path)
	case !mode.IsRegular() && mode&fs.ModeNamedPipe == 0:
		return nil, exit.Errorf(exit.CannotRun, "%s: is a device or socket, not a program", path)
	case st.Size() > MaxSize:
		return nil, tooLarge(path)
	}
	// The buffer fits the file at once; the limit holds for pipes, too.
	var b bytes.Buffer
	b.Grow(int(st.Size()) + bytes.MinRead)
	if _, err := b.ReadFrom(io.LimitReader(f, MaxSize+1)); err != nil {
		return nil, exit.Errorf(exit.CannotRun, "%s: %v", path, cause(err))
	}
	if b.Len() > MaxSize {
		return nil, tooLarge(path)
	}
	return b.Bytes(), nil
}

func tooLarge(path string) error {
	return exit.Errorf(exit.CannotRun, "%s: is larger than %d MiB", path, MaxSize>>20)
}

func notFound(path string) error {
	e := exit.Errorf(exit.NotFound, "%s: no such file", path)
	if !strings.ContainsRune(path, '/') {
		e.Hint = "loam takes a path and does not search PATH"
	}
	return e
}

// cause drops the words that os puts before the reason: they repeat the path.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Sniff says what a program is, and a native one's architecture. The error is a
// predicate of the file: "is for arm64, not amd64 or riscv64".
func Sniff(b []byte) (kind Kind, arch string, err error) {
	switch {
	case len(b) == 0:
		return 0, "", errors.New("is empty")
	case bytes.HasPrefix(b, []byte("\x00asm")):
		return Wasm, "", checkModule(b)
	case isText(b):
		return 0, "", errors.New("is WebAssembly in text form: translate it with wat2wasm first")
	}
	a := loader.AMD64
	if len(b) >= 20 && binary.LittleEndian.Uint16(b[18:]) == uint16(elf.EM_RISCV) {
		a = loader.RISCV64
	}
	var img loader.Image
	err = loader.Check(b, loader.TargetFor(a), &img)
	if errors.Is(err, loader.WrongMachine) {
		err = fmt.Errorf("%w or riscv64", err)
	}
	return Native, a.String(), err
}

func checkModule(b []byte) error {
	info, err := wasmfile.Check(b)
	if errors.Is(err, wasmfile.ErrComponent) {
		return fmt.Errorf("is %w", err)
	}
	if err != nil {
		return err
	}
	// How much memory there is for it is known in the machine only.
	const anyPages = 1 << 16
	return runner.Runnable(info, anyPages)
}

// isText recognises the WebAssembly text format.
func isText(b []byte) bool {
	b = bytes.TrimLeft(b[:min(len(b), 4096)], " \t\r\n")
	return bytes.HasPrefix(b, []byte("(module")) || bytes.HasPrefix(b, []byte("(component"))
}
