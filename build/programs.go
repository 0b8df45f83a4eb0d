// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
)

// programVerdict matches what go test says of one program.
var programVerdict = regexp.MustCompile(`(?m)^    --- (PASS|FAIL|SKIP): TestReal(?:Programs|Servers|Modules)/(\S+) \((.*)\)$`)

// programsTarget is "programs", a campaign: programs that people use, built from the module proxy, do in the machine what they
// do on the host. The summary, a line each, goes to stdout.
func programsTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("programs", flag.ContinueOnError)
	only := fs.String("run", ".", "only programs that match `REGEXP`")
	arch := archFlag(fs)
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	if err := b.ready(); err != nil {
		return err
	}
	cmd := b.command(append(b.testEnv(*arch), "LOAM_PROGRAMS=all"), "go", "test", "-v", "-count=1", "-timeout=24h",
		"-run", "^TestReal(Programs|Servers|Modules)$/("+*only+")", "./test/vm/")
	var out bytes.Buffer
	cmd.Stdout = io.MultiWriter(&out, os.Stderr)
	err := cmd.Run()
	for _, m := range programVerdict.FindAllStringSubmatch(out.String(), -1) {
		fmt.Printf("real programs, %s, %s: %s after %s\n", *arch, m[2], m[1], m[3])
	}
	return err
}
