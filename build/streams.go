// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
)

// streamsTarget is "streams", a campaign: console streams whose driver is killed again and again on
// machines of several sizes, and 1 GiB through them. The summary goes to stdout.
func streamsTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("streams", flag.ContinueOnError)
	n := fs.Int("n", 200, "how often the driver is killed on each machine")
	arch := archFlag(fs)
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	if err := b.ready(); err != nil {
		return err
	}
	all := verdicts{b: b, of: "console streams, " + *arch}
	run := func(what, test string, env ...string) { all.run(what, test, 1, append(b.testEnv(*arch), env...)) }
	for _, cpus := range []string{"1", "2", "4"} {
		run(fmt.Sprintf("%s CPUs, the driver killed %d times", cpus, *n), "TestStreams", fmt.Sprintf("LOAM_STREAMS_KILLS=%d", *n), "LOAM_CPUS="+cpus)
	}
	run("1 GiB through stdin and stdout", "TestStreamVolume", "LOAM_STREAMS_MIB=1024")
	return all.err()
}
