// SPDX-License-Identifier: Apache-2.0

// Command netkilled is the network's server, which is killed after as many ms as its argument says.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"loam/user/netd"
	"loam/user/object"
)

func main() {
	ms, err := strconv.Atoi(os.Args[1])
	if err == nil {
		time.AfterFunc(time.Duration(ms)*time.Millisecond, func() { _ = object.Self.Kill() })
		err = netd.Run(nil)
	}
	fmt.Fprintln(os.Stderr, "netkilled:", err)
	os.Exit(1)
}
