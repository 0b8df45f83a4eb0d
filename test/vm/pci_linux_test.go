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
	places := [2]string{"4", "8"}
	if vmtest.Arch() == hostvm.RISCV64 {
		places[1] = "6"
	}
	p := pciMachine()
	source := "rng-random,filename=" + counting(t) + ",id="
	env := vmtest.QEMUWithOn(t, p.kind, "-object", source+"a", "-object", source+"b",
		"-device", "virtio-rng-pci,rng=a,addr="+places[0], "-device", "virtio-rng-pci,rng=b,vectors=0,packed=on,addr="+places[1])
	service := func(name string) string {
		return "service " + name + "\n  file services\n  args entropy 150\n  provides " + name + "\n  uses pci\n  dma 4K\n" +
			"  restart always after 0s to 0s without limit\n"
	}
	dir := services(t, "service pci\n  file services\n  args bus 600 grant=2:"+places[0]+" grant=3:"+places[1]+p.args+"\n  provides pci\n  machine\n  restart always after 0s to 0s without limit\n"+
		service("first")+service("second")+"program\n  uses first\n  uses init\n  uses second\n")
	run := slices.Concat([]string{"run"}, p.flags, []string{"-m", "256M", "--cpus", "2", "-v", "--services", dir,
		vmtest.Program(t, "services"), "draw", "5", "4", "first", "second"})
	r := vmtest.Command{Env: env, Args: run}.Do(t)
	r.Want(t, 0)
	t.Logf("%s", r.Stdout)
	wantNothingLeft(t, r)
	if strings.Contains(string(r.Stderr), "pci: 00:") {
		t.Errorf("the bus service says something\n%s", r)
	}
}

// pciHost is a machine with PCI: its kind, loam's flags for it, and what the bus service is told of it.
type pciHost struct {
	kind  string
	flags []string
	args  string
}

func pciMachine() pciHost {
	if vmtest.Arch() == hostvm.RISCV64 {
		return pciHost{kind: "virt", args: " ecam=0x30000000 window=0x40000000:0x40000000 line=32"}
	}
	return pciHost{kind: string(hostvm.Q35), flags: on(string(hostvm.Q35))}
}

// service is the bus service's section of a manifest; nothing if there is no PCI.
func (p pciHost) service(grants string) string {
	if p.kind == "" {
		return ""
	}
	return "service pci\n  system pci\n  args grant=" + grants + p.args + "\n  provides pci\n  machine\n"
}

// TestBehindPCI has folders and console streams behind PCI, with interrupts by messages and by lines:
// the streams' driver is killed under load, and a tree of files is read and written.
func TestBehindPCI(t *testing.T) {
	t.Parallel()
	if vmtest.Arch() != hostvm.AMD64 {
		t.Skip("loam gives virt's devices places of their own")
	}
	vmtest.Loam(t)
	kind := string(hostvm.Q35)
	for name, qemu := range map[string][]string{
		"messages": nil,
		"lines":    {"-global", "virtio-serial-pci.vectors=0", "-global", "virtio-9p-pci.vectors=0"},
	} {
		t.Run(name+"/streams", func(t *testing.T) {
			t.Parallel()
			streamsKilled(t, 5, vmtest.QEMUWithOn(t, kind, qemu...), on(kind)...)
		})
		t.Run(name+"/folder", func(t *testing.T) {
			t.Parallel()
			treeUnharmed(t, 60, vmtest.QEMUWithOn(t, kind, qemu...), on(kind, "-m", "256M")...)
		})
	}
}
