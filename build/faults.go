// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
)

// faultsTarget is "faults", a campaign: what goes wrong for programs of a personality, for longer and more often than in test.
// The summary goes to stdout.
func faultsTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("faults", flag.ContinueOnError)
	seconds := fs.Int("seconds", 300, "how long the server is killed again and again, on each machine")
	n := fs.Int("n", 100, "how often a thousand processes are made")
	times := fs.Int("times", 10, "how often the other tests are run")
	arch := archFlag(fs)
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	if err := b.ready(); err != nil {
		return err
	}
	all := verdicts{b: b, of: "faults, " + *arch}
	run := func(what, test string, count int, env ...string) {
		all.run(what, test, count, append(append(b.testEnv(*arch), fmt.Sprintf("LOAM_FAULTS_SECONDS=%d", *seconds)), env...))
	}
	for _, cpus := range []string{"1", "4"} {
		run(fmt.Sprintf("%s CPUs, the server killed for %d s", cpus, *seconds), "TestPersonalityKilled", 1, "LOAM_CPUS="+cpus)
		run(fmt.Sprintf("%s CPUs, pipes, signals, open files, no room, a folder that goes, %d times", cpus, *times),
			"TestFaults|TestFull|TestFolderGone|TestBomb|TestOutlive", *times, "LOAM_CPUS="+cpus)
	}
	run("2 CPUs, greedy programs in a sandbox beside another", "TestBesideGreedy", 1)
	run(fmt.Sprintf("a thousand processes, %d times", *n), "TestCrowd", *n)
	return all.err()
}
