// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"os"
	"slices"
	"strings"
)

// CPUsVariable names the environment variable with the number of processors
// that "loam run" is told where the test doesn't say: the whole suite for that
// machine. Deterministic runs are left as they are.
const CPUsVariable = "LOAM_CPUS"

// CPUs gives the numbers of processors that a test about them tries: standard,
// or only the one that the person asks for.
func CPUs(standard ...string) []string {
	if n := os.Getenv(CPUsVariable); n != "" {
		return []string{n}
	}
	return standard
}

// withCPUs adds --cpus n to the arguments of a "loam run" without.
func withCPUs(args []string, n string) []string {
	if n == "" || len(args) == 0 || args[0] != "run" {
		return args
	}
	for _, a := range args[1:] {
		if a == "--deterministic" || a == "--cpus" || strings.HasPrefix(a, "--cpus=") {
			return args
		}
	}
	return slices.Insert(slices.Clone(args), 1, "--cpus", n)
}
