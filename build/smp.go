// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"time"
)

// smpTarget is "smp", a campaign: every test of the machine on machines of
// several sizes, and many boots of each. The summary, a line each, goes to
// stdout.
func smpTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("smp", flag.ContinueOnError)
	boots := fs.Int("n", 100, "boots of each machine type and size")
	only := fs.String("run", ".", "of the tests only those that match `REGEXP`")
	checks := fs.Bool("checked", false, "boot the kernel that checks its locks")
	if err := b.readyBoth(fs, args); err != nil {
		return err
	}
	env := func(cpus string) []string {
		if *checks {
			return b.checkedEnv(cpus)
		}
		return []string{"LOAM=" + b.path(exe), "LOAM_CPUS=" + cpus}
	}
	failed := 0
	measure := func(what, cpus string, count int, only string) {
		start, verdict := time.Now(), "ok"
		err := b.run(env(cpus), "go", "test", fmt.Sprintf("-count=%d", count), "-timeout=24h", "-run", only, "./test/vm/...")
		if err != nil {
			failed++
			verdict = "FAILED"
		}
		fmt.Printf("%-32s %2s CPU  %s, %.0f s\n", what, cpus, verdict, time.Since(start).Seconds())
	}
	for _, cpus := range []string{"1", "2", "4"} {
		measure("tests of the machine, "+*only, cpus, 1, *only)
	}
	for _, cpus := range []string{"1", "2", "4", "8"} {
		measure(fmt.Sprintf("%d boots of microvm and of q35", *boots), cpus, *boots, "^TestSMPBoots$")
	}
	if failed > 0 {
		return fmt.Errorf("%d failed", failed)
	}
	return nil
}
