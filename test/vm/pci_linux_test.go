// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"testing"

	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// TestMessageInterrupts has an entropy device of q35 interrupt by messages: none is lost, and a device
// that isn't answered is told to keep them.
func TestMessageInterrupts(t *testing.T) {
	t.Parallel()
	if vmtest.Arch() != hostvm.AMD64 {
		t.Skip("virt has no messages")
	}
	vmtest.Loam(t)
	r := vmtest.Command{
		Env:  vmtest.QEMUWithOn(t, string(hostvm.Q35), "-object", "rng-builtin,id=source", "-device", "virtio-rng-pci,rng=source,addr=4"),
		Args: []string{"run", "--machine", string(hostvm.Q35), "-m", "256M", "-v", vmtest.Program(t, "devices"), "messages"},
	}.Do(t)
	r.Want(t, 0)
	wantNothingLeft(t, r)
}
