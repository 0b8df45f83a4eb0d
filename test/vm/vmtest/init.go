// SPDX-License-Identifier: Apache-2.0

package vmtest

import "slices"

// InitVariable names the environment variable that, if it is 1, has every "loam run"
// of a test start its program by init: nothing may be different to the program.
const InitVariable = "LOAM_INIT"

// withInit adds --init to the arguments of a "loam run".
func withInit(args []string, wanted string) []string {
	if wanted != "1" || len(args) == 0 || args[0] != "run" {
		return args
	}
	return slices.Insert(slices.Clone(args), 1, "--init")
}
