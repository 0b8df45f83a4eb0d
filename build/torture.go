// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"time"
)

// tortureTarget is "torture", a campaign: processes map, share, copy and give
// back memory at random, and die, for a long time. The summary goes to stdout.
func tortureTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("torture", flag.ContinueOnError)
	each := fs.Duration("time", 5*time.Minute, "for each kernel")
	arch := archFlag(fs)
	if err := b.readyBoth(fs, args); err != nil {
		return err
	}
	failed := 0
	for _, kernel := range []struct {
		name string
		env  []string
	}{
		{"the kernel", b.testEnv(*arch)},
		{"the checked kernel", b.checkedEnv(*arch, "2")},
	} {
		verdict := "ok"
		env := append(kernel.env, fmt.Sprintf("LOAM_TORTURE_SECONDS=%d", int(each.Seconds())))
		if err := b.run(env, "go", "test", "-v", "-count=1", "-timeout=24h", "-run", "^TestTorture$", "./test/vm/"); err != nil {
			failed++
			verdict = "FAILED"
		}
		fmt.Printf("torture of memory, %s, %v on each machine: %s\n", kernel.name, *each, verdict)
	}
	if failed > 0 {
		return fmt.Errorf("%d failed", failed)
	}
	return nil
}
