// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"runtime"

	"loam/internal/wasmcode"
	"loam/user/sys"
)

// engineCPU is what wazero found this CPU to have.
func engineCPU() wasmcode.CPU { return wasmcode.CPU(sys.WazeroCPU()) }

// compilerServes reports whether wazero's compiler can serve this machine. Its
// automatic choice makes the same test and says nothing of the outcome.
func compilerServes() bool {
	switch runtime.GOARCH {
	case "amd64":
		return engineCPU()&wasmcode.SSE41 != 0
	case "arm64":
		return true
	}
	return false
}
