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

// WholeVariable names the environment variable that asks for every machine on every
// architecture, see Machines.
const WholeVariable = "LOAM_WHOLE"

// Machines gives the machines that a test tries one after the other: all, or on riscv64
// only the last, which by custom is the largest. What the architectures have of their own is
// in every one of them; the product of architectures and machines, which takes
// twice the time, is for the person who asks for it (WholeVariable).
func Machines[T any](all ...T) []T {
	if Arch() == "riscv64" && os.Getenv(WholeVariable) == "" {
		return all[len(all)-1:]
	}
	return all
}

// CPUs gives the numbers of processors that a test about them tries: those of standard that
// Machines has, or only the one that the person asks for.
func CPUs(standard ...string) []string {
	if n := os.Getenv(CPUsVariable); n != "" {
		return []string{n}
	}
	return Machines(standard...)
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
