// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
)

// diskTarget is "disk", a campaign: random requests to a disk whose driver is killed again and
// again, and to one that isn't, against a model. The summary goes to stdout.
func diskTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("disk", flag.ContinueOnError)
	n := fs.Int("n", 1_000_000, "requests of each machine")
	arch := archFlag(fs)
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	if err := b.ready(); err != nil {
		return err
	}
	verdict := "ok"
	env := append(b.testEnv(*arch), fmt.Sprintf("LOAM_DISK_OPS=%d", *n))
	err := b.run(env, "go", "test", "-v", "-count=1", "-timeout=24h", "-run", "^TestDiskService$", "./test/vm/")
	if err != nil {
		verdict = "FAILED"
	}
	fmt.Printf("random requests to disks, %s, %d on each machine: %s\n", *arch, *n, verdict)
	return err
}
