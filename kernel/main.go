//go:build loam

// SPDX-License-Identifier: Apache-2.0

package main

import "loam/machine/metal"

func main() {
	metal.Log("kernel: Go's runtime is up")
	metal.BecomeRunner()
	metal.Shutdown(metal.ShutdownOK)
}
