// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"os"
	"slices"
	"strings"
)

// ServedVariable names the environment variable that, if it is 1, has every "loam run" of a test
// be one with services, as a person's is.
const ServedVariable = "LOAM_SERVED"

// Bare adds --bare to the arguments of a "loam run", where that is possible.
func Bare(args []string) []string {
	if len(args) == 0 || args[0] != "run" || os.Getenv(ServedVariable) == "1" {
		return args
	}
	for _, a := range args[1:] {
		switch name, _, _ := strings.Cut(a, "="); name {
		case "--bare", "--deterministic", "--dir", "-t":
			return args
		}
	}
	return slices.Insert(slices.Clone(args), 1, "--bare")
}
