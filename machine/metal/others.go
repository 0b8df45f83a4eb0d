//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/bootinfo"

// lateCPUs is how many CPUs are listed and did not start.
var lateCPUs uint64

// mostCPUs is what cpus= of the command line allows.
func mostCPUs() uint64 {
	n, code := bootinfo.Uint(CommandLine(), "cpus")
	if code != bootinfo.OK || n == 0 {
		return MaxCPUs
	}
	return min(n, MaxCPUs)
}
