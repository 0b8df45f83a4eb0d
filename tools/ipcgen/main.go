// SPDX-License-Identifier: Apache-2.0

// Ipcgen writes the client and the server of a Go interface over messages (package
// user/ipc). In a package that has
//
//	//go:generate go run loam/tools/ipcgen Names
//
//	type Names interface {
//		Lookup(ctx context.Context, name string) (address uint64, err error)
//	}
//
// go generate writes names_ipc.go with NamesClient, which is a Names, and
// NamesService, which makes an ipc.Service of one.
//
// Each method has a context first and an error last. What is between can be bool,
// integers, floating-point numbers, strings, slices and arrays, structures of these
// whose fields are exported or of the package itself, and ipc.Handle. There is
// nothing that points to something, but slices and strings, and no map: an argument
// has one form on the wire, and its size is bounded by that of the message.
//
// Methods whose arguments, and whose results, are at most seven numbers are calls in
// registers. All others are bytes, little-endian, without padding, strings and
// slices behind their lengths of 4 bytes; the first 56 bytes go in registers if
// that is all.
//
// The generated code has no reflection. The number that tells services apart is
// made of the interface's name and its methods with their types down to the last
// field, so a client of another version is refused and not misunderstood.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run is main without the process around it.
func run(args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("ipcgen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("C", ".", "the package's folder")
	out := flags.String("o", "", "the file to write; INTERFACE_ipc.go in small letters if empty")
	check := flags.Bool("check", false, "write nothing; fail if the file would change")
	if flags.Parse(args) != nil {
		return 2
	}
	if flags.NArg() != 1 {
		fmt.Fprintln(stderr, "usage: ipcgen [-C folder] [-o file] [-check] Interface")
		return 2
	}
	name := flags.Arg(0)
	if *out == "" {
		*out = strings.ToLower(name) + "_ipc.go"
	}
	if err := write(*dir, *out, name, *check); err != nil {
		fmt.Fprintln(stderr, "ipcgen:", err)
		return 1
	}
	return 0
}

func write(dir, out, name string, check bool) error {
	text, err := generate(dir, out, name)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, out)
	if !check {
		return os.WriteFile(file, text, 0o666)
	}
	if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, text) {
		return fmt.Errorf("%s is not what the interface gives; run go generate", file)
	}
	return nil
}
