// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// fuzzCallsTarget is "fuzz-calls", a campaign: programs make random calls of every kind, on
// 2 and 4 CPUs, with the kernel and with the one that looks at its invariants all the
// time. The summary goes to stdout: a line for each machine, and the sum of calls.
func fuzzCallsTarget(b *builder, args []string) error {
	fs := flag.NewFlagSet("fuzz-calls", flag.ContinueOnError)
	each := fs.Duration("time", 5*time.Minute, "for each size of memory, kernel and number of CPUs")
	seed := fs.Uint64("seed", uint64(time.Now().Unix()), "of the first machine")
	cpus := fs.String("cpus", "2 4", "numbers of CPUs")
	arch := archFlag(fs)
	if err := b.readyBoth(fs, args); err != nil {
		return err
	}
	failed, calls, next := 0, uint64(0), *seed
	for _, n := range strings.Fields(*cpus) {
		for _, kernel := range []struct {
			name string
			env  []string
		}{
			{"kernel", append(b.testEnv(*arch), "LOAM_CPUS="+n)},
			{"checked", b.checkedEnv(*arch, n)},
		} {
			env := append(kernel.env, fmt.Sprintf("LOAM_FUZZ_SECONDS=%d", int(each.Seconds())), fmt.Sprintf("LOAM_FUZZ_SEED=%d", next))
			next += uint64(*each/fuzzMachine) + 1
			cmd := b.command(env, "go", "test", "-v", "-count=1", "-timeout=24h", "-run", "^TestFuzzCalls$", "./test/vm/")
			made, err := tellMachines(cmd, fmt.Sprintf("%-7s %-7s %s CPUs", *arch, kernel.name, n))
			calls += made
			if err != nil {
				failed++
			}
		}
	}
	fmt.Printf("%d calls\n", calls)
	if failed > 0 {
		return fmt.Errorf("%d failed", failed)
	}
	return nil
}

// fuzzMachine is how long TestFuzzCalls has a machine run at most.
const fuzzMachine = time.Minute

// machineLine is what TestFuzzCalls says of a machine, and callCount a part of it.
var (
	machineLine = regexp.MustCompile(`fuzz_test\.go:\d+: machine (.*)`)
	callCount   = regexp.MustCompile(` (\d+) calls`)
)

// tellMachines runs the test and prints what it says of each machine, after who it was. The
// result is how many calls were made.
func tellMachines(cmd *exec.Cmd, who string) (calls uint64, err error) {
	cmd.Stdout = nil
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	for in := bufio.NewScanner(io.TeeReader(out, os.Stderr)); in.Scan(); {
		m := machineLine.FindStringSubmatch(in.Text())
		if m == nil {
			continue
		}
		fmt.Printf("%s  %s\n", who, m[1])
		if n := callCount.FindStringSubmatch(m[1]); n != nil {
			one, _ := strconv.ParseUint(n[1], 10, 64)
			calls += one
		}
	}
	return calls, cmd.Wait()
}
