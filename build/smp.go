// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"strings"
	"time"
)

// starts are the ways in which a kernel is started, by LOAM_FIRMWARE.
var starts = map[string][]string{"amd64": {""}, "riscv64": {"none", "opensbi"}}

// kinds says which machines TestSMPBoots boots.
var kinds = map[string]string{"amd64": "of microvm and of q35", "riscv64": "without firmware and by OpenSBI"}

// smpTarget is "smp", a campaign: every test of the machine on machines of
// several sizes, and many boots of each. The summary, a line each, goes to
// stdout.
func smpTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("smp", flag.ContinueOnError)
	boots := fs.Int("n", 100, "boots of each machine type and size")
	only := fs.String("run", ".", "of the tests only those that match `REGEXP`")
	checks := fs.Bool("checked", false, "boot the kernel that checks its locks and its invariants")
	arch := archFlag(fs)
	if err := b.readyBoth(fs, args); err != nil {
		return err
	}
	failed := 0
	measure := func(what, cpus, firmware string, count int, only string) {
		env := append(b.testEnv(*arch), "LOAM_CPUS="+cpus)
		if *checks {
			env = b.checkedEnv(*arch, cpus)
		}
		start, verdict := time.Now(), "ok"
		err := b.run(append(env, "LOAM_FIRMWARE="+firmware, wholeVariable), "go", "test", fmt.Sprintf("-count=%d", count), "-timeout=24h", "-run", only, "./test/vm/...")
		if err != nil {
			failed++
			verdict = "FAILED"
		}
		fmt.Printf("%-48s %2s CPU  %s, %.0f s\n", strings.TrimSpace(what+" "+firmware), cpus, verdict, time.Since(start).Seconds())
	}
	for _, firmware := range starts[*arch] {
		for _, cpus := range []string{"1", "2", "4"} {
			measure("tests of the machine, "+*only, cpus, firmware, 1, *only)
		}
	}
	for _, cpus := range []string{"1", "2", "4", "8"} {
		what := fmt.Sprintf("%d boots, %s", *boots, kinds[*arch])
		measure(what, cpus, "", *boots, "^TestSMPBoots$") // starts each kind itself
	}
	if failed > 0 {
		return fmt.Errorf("%d failed", failed)
	}
	return nil
}
