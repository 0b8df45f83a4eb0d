// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"
)

// Campaigns are what takes too long for every change. They are run by hand;
// docs/campaigns keeps what the last one said, with the command that made it.

// readyBoth reads the flags of a campaign that takes no other arguments, and builds
// what both kernels need, the one with checks too.
func (b *builder) readyBoth(fs *flag.FlagSet, args []string) error {
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	if err := b.ready(); err != nil {
		return err
	}
	return b.checked()
}

// archFlag adds the flag for the architecture of the machines that are tested.
func archFlag(fs *flag.FlagSet) *string {
	arch := "amd64"
	fs.Func("arch", "machines for this `ARCH`: "+strings.Join(arches, " or "), func(v string) error {
		arch = v
		return checkArch(v)
	})
	return &arch
}

// fuzzTarget is "fuzz": every fuzz target of the module for a while, one after
// the other. The summary, a line each, goes to stdout.
func fuzzTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("fuzz", flag.ContinueOnError)
	each := fs.Duration("time", 30*time.Second, "for each target")
	only := fs.String("run", ".", "only targets that match `REGEXP`, as package.Name")
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	found, err := b.fuzzers()
	if err != nil {
		return err
	}
	failed := 0
	for _, f := range found {
		if !match.MatchString(f.pkg + "." + f.name) {
			continue
		}
		verdict, err := b.fuzz(f, *each)
		if err != nil {
			failed++
		}
		fmt.Printf("%-28s %-28s %s\n", f.pkg, f.name, verdict)
	}
	if failed > 0 {
		return fmt.Errorf("%d fuzz targets failed; what failed is under testdata/fuzz of each package", failed)
	}
	return nil
}

type fuzzer struct{ pkg, name string }

// fuzzers lists the module's fuzz targets.
func (b *builder) fuzzers() ([]fuzzer, error) {
	cmd := b.command(nil, "go", "test", "-list", "^Fuzz", "./...")
	var out bytes.Buffer
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("listing fuzz targets: %w", err)
	}
	var found []fuzzer
	var names []string
	for line := range strings.Lines(out.String()) {
		f := strings.Fields(line)
		switch {
		case len(f) == 1 && strings.HasPrefix(f[0], "Fuzz"):
			names = append(names, f[0])
		case len(f) > 1 && f[0] == "ok":
			for _, n := range names {
				found = append(found, fuzzer{f[1], n})
			}
			names = nil
		}
	}
	return found, nil
}

var fuzzCount = regexp.MustCompile(`execs: (\d+)`)

// fuzz runs one target and says in a few words how it went. The input that
// makes a target interesting is not minimised: that can take minutes.
func (b *builder) fuzz(f fuzzer, each time.Duration) (string, error) {
	cmd := b.command(nil, "go", "test", "-run", "^$", "-fuzz", "^"+f.name+"$",
		"-fuzztime", each.String(), "-fuzzminimizetime", "1x", f.pkg)
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(&out, os.Stderr)
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	execs := "?"
	if all := fuzzCount.FindAllStringSubmatch(out.String(), -1); all != nil {
		execs = all[len(all)-1][1]
	}
	if err != nil {
		return "FAILED after " + execs + " runs", err
	}
	return "ok, " + execs + " runs in " + each.String(), nil
}

// soakTarget is "soak": tests of the machine many times over, to find what
// fails once in a hundred.
func soakTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("soak", flag.ContinueOnError)
	count := fs.Int("n", 100, "times")
	only := fs.String("run", ".", "only tests that match `REGEXP`")
	arch := archFlag(fs)
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	if err := b.ready(); err != nil {
		return err
	}
	return b.run(append(b.testEnv(*arch), wholeVariable), "go", "test", fmt.Sprintf("-count=%d", *count),
		"-timeout=24h", "-run", *only, "./test/vm/...")
}
