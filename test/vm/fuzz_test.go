// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// TestFuzzCalls lets test/programs/fuzz do its worst, on a machine with much
// memory and one with little. LOAM_FUZZ_SECONDS makes it longer, in whole
// machines of a minute at most with a seed each; LOAM_FUZZ_SEED is the first. The kernel
// with checks looks at its invariants meanwhile (audit=1), and panics if one is broken.
func TestFuzzCalls(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	seconds := number(t, "LOAM_FUZZ_SECONDS", 10)
	seed := number(t, "LOAM_FUZZ_SEED", uint64(time.Now().Unix()))
	for _, memory := range []string{"512M", "40M"} {
		for left, seed := seconds, seed; left > 0; seed++ {
			one := min(left, 60)
			left -= one
			t.Run(memory+"/"+strconv.FormatUint(seed, 10), func(t *testing.T) {
				fuzz(t, memory, seed, one)
			})
		}
	}
}

// fuzz runs one machine.
func fuzz(t *testing.T, memory string, seed, seconds uint64) {
	r := vmtest.Command{
		Args: []string{"run", "-v", "--param", "audit=1", "-m", memory, vmtest.Program(t, "fuzz"),
			"-seed", strconv.FormatUint(seed, 10), "-seconds", strconv.FormatUint(seconds, 10)},
		Limit: vmtest.Limit + time.Duration(seconds)*time.Second,
	}.Do(t)
	if bytes.Contains(r.Stderr, []byte("target/i386/tcg")) && bytes.Contains(r.Stderr, []byte("Assertion")) {
		t.Skipf("QEMU failed an assertion of its own (7.2 does for PINSR with VEX.L): %s", r.Stderr)
	}
	done := regexp.MustCompile(`fuzz: done, (.*)`).FindSubmatch(r.Stdout)
	calls := regexp.MustCompile(`kernel: (calls \d+) calls`).FindSubmatch(r.Stderr)
	if r.Code != 0 || done == nil || calls == nil {
		t.Fatalf("the program did not get to its end\n%s", r)
	}
	results := regexp.MustCompile(`fuzz: (\d+ of Loam's \d+ calls succeeded, not .*)`).FindSubmatch(r.Stdout)
	if results == nil {
		t.Fatalf("the program doesn't say what came of the calls\n%s", r)
	}
	t.Logf("machine %4s %s, %s calls, %s", memory, done[1], bytes.TrimPrefix(calls[1], []byte("calls ")), results[1])
	for _, want := range []string{"kernel: left 0 objects", "kernel: frames_leaked 0 frames"} {
		if !strings.Contains(string(r.Stderr), want) {
			t.Errorf("loam does not say %q\n%s", want, r.Stderr)
		}
	}
}

// number gives the value of an environment variable.
func number(t *testing.T, name string, standard uint64) uint64 {
	v := os.Getenv(name)
	if v == "" {
		return standard
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
