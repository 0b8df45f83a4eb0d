// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
	"time"
)

// ipcTarget is "ipc", a campaign: clients and servers call each other while others stop,
// end and kill them, on 2 and 4 CPUs. The summary goes to stdout.
func ipcTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("ipc", flag.ContinueOnError)
	each := fs.Duration("time", 5*time.Minute, "for each machine")
	arch := archFlag(fs)
	if err := b.readyBoth(fs, args); err != nil {
		return err
	}
	failed := 0
	for _, kernel := range []struct {
		name string
		env  func(cpus string) []string
	}{
		{"the kernel", func(cpus string) []string { return append(b.testEnv(*arch), "LOAM_CPUS="+cpus) }},
		{"the checked kernel", func(cpus string) []string { return b.checkedEnv(*arch, cpus) }},
	} {
		for _, cpus := range []string{"2", "4"} {
			verdict := "ok"
			env := append(kernel.env(cpus), fmt.Sprintf("LOAM_IPC_SECONDS=%d", int(each.Seconds())))
			if err := b.run(env, "go", "test", "-v", "-count=1", "-timeout=24h", "-run", "^TestMessageStress$", "./test/vm/"); err != nil {
				failed++
				verdict = "FAILED"
			}
			fmt.Printf("calls under fire, %s, %s CPUs, %v: %s\n", kernel.name, cpus, *each, verdict)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d failed", failed)
	}
	return nil
}
