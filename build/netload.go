// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"fmt"
)

// netloadTarget is "netload", a campaign: many connections, requests, slow readers and resets at a server in the machine.
func netloadTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("netload", flag.ContinueOnError)
	open := fs.Int("open", 1000, "connections at the same time")
	requests := fs.Int("requests", 100_000, "requests by connections that stay open, in all rounds together")
	slow := fs.Int("slow", 200, "readers who hardly read, in each round")
	resets := fs.Int("resets", 1000, "connections that are reset in the middle of an answer, in all rounds together")
	rounds := fs.Int("rounds", 2, "rounds of all of that, of which each must leave what the one before has left")
	arch := archFlag(fs)
	if err := parseFlags(fs, args, 0); err != nil {
		return err
	}
	if *rounds < 1 {
		return fmt.Errorf("-rounds %d: at least 1", *rounds)
	}
	if err := b.ready(); err != nil {
		return err
	}
	all := verdicts{b: b, of: "network under load, " + *arch}
	wanted := fmt.Sprintf("LOAM_NETLOAD=%d %d %d %d %d", *open, *requests / *rounds, *slow, *resets / *rounds, *rounds)
	all.run(fmt.Sprintf("%d connections, %d requests, %d slow readers, %d resets, %d rounds", *open, *requests, *slow, *resets, *rounds),
		"TestNetworkLoad", 1, append(b.testEnv(*arch), wanted))
	return all.err()
}
