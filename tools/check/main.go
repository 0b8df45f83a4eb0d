// SPDX-License-Identifier: Apache-2.0

// Check holds the tree, and the kernel built from it, to the rules that Loam
// keeps by machine instead of by care. docs/checks.md tells each rule with
// its reason and the ways to mend a breach.
//
// Without -kernel only the source is checked, which needs nothing built. Each
// breach is one line, `file:line: rule: what is wrong; how to mend it`, on
// stdout. The exit status is 0 when all is well, 1 after a breach and 2 when
// the check itself could not be done.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"loam/tools/check/code"
	"loam/tools/check/finding"
	"loam/tools/check/floors"
	"loam/tools/check/proof"
	"loam/tools/check/source"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// options are the command's flags.
type options struct {
	root, kernel, image, words string
}

// run is main without the process around it.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var o options
	flags.StringVar(&o.root, "C", ".", "check the tree that `folder` lies in")
	flags.StringVar(&o.kernel, "kernel", "", "also prove the directives over the machine code of this kernel `ELF`, with symbols")
	flags.StringVar(&o.image, "image", "", "also check the segments of this bootable `ELF`")
	flags.StringVar(&o.words, "words", "", "also report the words in this `file`, one a line")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		flags.Usage()
		return 2
	}
	found, summary, err := check(o)
	if err != nil {
		fmt.Fprintln(stderr, "check:", err)
		return 2
	}
	if err := finding.Print(stdout, found); err != nil {
		fmt.Fprintln(stderr, "check:", err)
		return 2
	}
	if len(found) > 0 {
		fmt.Fprintf(stderr, "check: %d breaches (docs/checks.md tells the rules) in %s\n", len(found), summary)
		return 1
	}
	fmt.Fprintln(stdout, "check: all rules kept by", summary)
	return 0
}

// check does all that o asks for and returns what it found, and what it did
// in one line.
func check(o options) ([]finding.Finding, string, error) {
	root, err := moduleRoot(o.root)
	if err != nil {
		return nil, "", err
	}
	tree, err := source.Load(root, "")
	if err != nil {
		return nil, "", err
	}
	words, err := readWords(o.words)
	if err != nil {
		return nil, "", err
	}
	found := source.Check(tree, words)
	upward, err := floors.Check(tree)
	if err != nil {
		return nil, "", err
	}
	found = append(found, upward...)
	summary := fmt.Sprintf("%d files", len(tree.Files))
	for _, elf := range []string{o.kernel, o.image} {
		if elf == "" {
			continue
		}
		wx, err := code.WX(elf)
		if err != nil {
			return nil, "", err
		}
		found = append(found, wx...)
	}
	if o.kernel != "" {
		im, err := code.Open(o.kernel)
		if err != nil {
			return nil, "", err
		}
		marks, _ := source.Marks(tree, im.Arch) // source.Check reported the bad ones
		broken, sum := proof.Run(im, tree, marks)
		found = append(found, broken...)
		summary += fmt.Sprintf(", %d trap handlers (deepest %s, %d bytes), %d allocation-free, %d without FPU, %d without calls, %d without return, over %d functions",
			sum.Trap, sum.DeepestRoot, sum.Deepest, sum.NoAlloc, sum.NoFPU, sum.NoCall, sum.Fatal, sum.Functions)
	}
	return finding.Sort(found), summary, nil
}

// moduleRoot returns the nearest folder above dir, itself included, that
// holds a go.mod.
func moduleRoot(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.mod in %s or above", dir)
		}
	}
}

// readWords returns the non-empty lines of a file; no file has none.
func readWords(name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out, nil
}
