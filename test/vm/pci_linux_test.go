// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"slices"
	"strings"
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

// TestPCI has two entropy devices handed to their drivers by the bus service; on q35 one has
// MSI-X and one a line. Both drivers are killed 5 times, and the bus service now and then, while programs want bytes: what
// they get is what the device gives, and nothing comes twice. On q35 both devices have the same line,
// which the second one couldn't be given if the first one used it.
func TestPCI(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	kind, places, args := string(hostvm.Q35), [2]string{"4", "8"}, ""
	flags := on(kind)
	if vmtest.Arch() == hostvm.RISCV64 {
		kind, places, args = "virt", [2]string{"4", "6"}, " ecam=0x30000000 window=0x40000000:0x40000000 line=32"
		flags = nil
	}
	source := "rng-random,filename=" + counting(t) + ",id="
	env := vmtest.QEMUWithOn(t, kind, "-object", source+"a", "-object", source+"b",
		"-device", "virtio-rng-pci,rng=a,addr="+places[0], "-device", "virtio-rng-pci,rng=b,vectors=0,packed=on,addr="+places[1])
	service := func(name string) string {
		return "service " + name + "\n  file services\n  args entropy 150\n  provides " + name + "\n  uses pci\n  dma 4K\n" +
			"  restart always after 0s to 0s without limit\n"
	}
	dir := services(t, "service pci\n  file services\n  args bus 600 grant=2:"+places[0]+" grant=3:"+places[1]+args+"\n  provides pci\n  machine\n  restart always after 0s to 0s without limit\n"+
		service("first")+service("second")+"program\n  uses first\n  uses init\n  uses second\n")
	run := slices.Concat([]string{"run"}, flags, []string{"-m", "256M", "--cpus", "2", "-v", "--services", dir,
		vmtest.Program(t, "services"), "draw", "5", "4", "first", "second"})
	r := vmtest.Command{Env: env, Args: run}.Do(t)
	r.Want(t, 0)
	t.Logf("%s", r.Stdout)
	wantNothingLeft(t, r)
	if strings.Contains(string(r.Stderr), "pci: 00:") {
		t.Errorf("the bus service says something\n%s", r)
	}
}
