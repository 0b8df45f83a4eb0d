// SPDX-License-Identifier: Apache-2.0

// Command net is the network's server (package netd), a program of its own: gVisor's netstack would double
// the system image, which every machine carries, with a network or without.
package main

import (
	"os"

	"loam/user/netd"
	"loam/user/sys"
)

func main() {
	if err := netd.Run(os.Args[1:]); err != nil {
		_, _ = sys.Stream(2).Write([]byte("net: " + err.Error() + "\n"))
		os.Exit(1)
	}
}
