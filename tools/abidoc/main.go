// SPDX-License-Identifier: Apache-2.0

// Abidoc writes the tables of docs/loam-calls.md from package abi: the calls with
// their numbers, arguments, rights and errors, the kinds of objects, the rights, and
// the layouts of the structures. What is between the marks stays as it is written by
// hand.
//
// `go generate ./abi` runs it; the package's test fails when the page isn't what it
// would write.
//
// Words come from the comments, which keep to a form (calls.go), and numbers from
// the compiled package: a layout's offsets are found by writing structures with the
// codec itself (layouts.go), so no table can differ from what the kernel does.
//
// Rejected: tables by hand and a test that compares them, as there was. Everything
// had to be said twice, and only names and numbers were compared.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
)

func main() {
	abi := flag.String("abi", "abi", "read the sources of package abi in this `folder`")
	page := flag.String("page", "docs/loam-calls.md", "write the tables of this `file`")
	flag.Parse()
	if err := run(*abi, *page); err != nil {
		fmt.Fprintln(os.Stderr, "abidoc:", err)
		os.Exit(1)
	}
}

func run(abi, page string) error {
	old, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	made, err := Page(abi, old)
	if err != nil || bytes.Equal(made, old) {
		return err
	}
	return os.WriteFile(page, made, 0o644)
}

// Page gives a page with its tables written anew, from the sources in the folder abi.
func Page(abi string, old []byte) ([]byte, error) {
	src, err := load(abi)
	if err != nil {
		return nil, err
	}
	calls, err := src.calls()
	if err != nil {
		return nil, err
	}
	for _, part := range []struct {
		name  string
		write func() (string, error)
	}{
		{"kinds", src.kinds},
		{"rights", src.rights},
		{"calls", func() (string, error) { return src.callTables(calls) }},
		{"registers", src.registers},
		{"constants", src.constants},
		{"layouts", src.layouts},
	} {
		text, err := part.write()
		if err != nil {
			return nil, err
		}
		if old, err = replace(old, part.name, text); err != nil {
			return nil, err
		}
	}
	return old, nil
}

// replace puts text between the marks of a part.
func replace(page []byte, part, text string) ([]byte, error) {
	begin := []byte("<!-- " + part + ": written by go generate ./abi -->\n")
	end := []byte("<!-- end of " + part + " -->\n")
	if bytes.Count(page, begin) != 1 || bytes.Count(page, end) != 1 {
		return nil, fmt.Errorf("the page doesn't have the marks %q and %q once each", begin, end)
	}
	head, rest, _ := bytes.Cut(page, begin)
	_, tail, ok := bytes.Cut(rest, end)
	if !ok {
		return nil, fmt.Errorf("the part %s ends before it begins", part)
	}
	return bytes.Join([][]byte{head, begin, []byte("\n" + text + "\n"), end, tail}, nil), nil
}
