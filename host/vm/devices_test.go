// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"strings"
	"testing"
)

// TestDevices: what QEMU is told of devices, in which order, and which files it inherits.
func TestDevices(t *testing.T) {
	c := config("q")
	c.Devices = []Device{
		{Model: "virtio-rng"},
		{Model: "virtio-serial", Props: "max_ports=4", Needs: []Arg{
			{"-chardev", "socket,id=a,fd={fd}", os.Stdin}, {"-chardev", "socket,id=b,fd={fd}", os.Stdout},
		}, Has: []Arg{{"-device", "virtserialport,chardev=a,name=x{fd}", nil}}},
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	args, files := c.args(wires{os.Stdin, os.Stdin, os.Stdin})
	const want = "-global virtio-mmio.force-legacy=false -device virtio-rng-device,bus=virtio-mmio-bus.0 " +
		"-chardev socket,id=a,fd=7 -chardev socket,id=b,fd=8 -device virtio-serial-device,bus=virtio-mmio-bus.1,max_ports=4 " +
		"-device virtserialport,chardev=a,name=x{fd}"
	if s := strings.Join(args, " "); !strings.HasSuffix(s, want) {
		t.Errorf("%s, want %s", s, want)
	}
	c.Machine = Q35
	args, _ = c.args(wires{os.Stdin, os.Stdin, os.Stdin})
	s := strings.Join(args, " ")
	for _, want := range []string{"-device virtio-rng-pci,disable-legacy=on,bus=pcie.0,addr=0x4 -chardev", "-device virtio-serial-pci,disable-legacy=on,bus=pcie.0,addr=0x5,max_ports=4 "} {
		if !strings.Contains(s, want) || strings.Contains(s, "mmio") {
			t.Errorf("%s, want %s", s, want)
		}
	}
	if len(files) != 6 || files[4] != os.Stdin || files[5] != os.Stdout {
		t.Error(files)
	}
}

// TestDevicesRefused: machines that can't have the devices that they are to have.
func TestDevicesRefused(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"a deterministic machine has no devices": func(c *Config) { c.Deterministic = true },
		"9 devices: q35 has places for 8":        func(c *Config) { c.Machine, c.Devices = Q35, make([]Device, MaxDevices+1) },
		"9 devices: microvm has places for 8":    func(c *Config) { c.Devices = make([]Device, MaxDevices+1) },
		"9 devices: virt has places for 8":       func(c *Config) { c.Machine, c.Devices = Virt, make([]Device, MaxDevices+1) },
	} {
		c := config("q")
		c.Devices = make([]Device, MaxDevices)
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		change(c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestPlaces: no two devices share registers or a line.
func TestPlaces(t *testing.T) {
	for _, m := range []Machine{MicroVM, Virt} {
		for i := range MaxDevices {
			p, ok := m.Place(i)
			if q, _ := Q35.Place(i); q != (Place{PCI: 4 + i}) {
				t.Errorf("q35, %d: %+v", i, q)
			}
			if !ok || p.Shared != (p.Size < 4096) || p.Address%p.Size != 0 {
				t.Errorf("%s, %d: %+v", m, i, p)
			}
			for k := range i {
				if o, _ := m.Place(k); o.Interrupt == p.Interrupt || o.Address+o.Size > p.Address {
					t.Errorf("%s: %+v and %+v", m, o, p)
				}
			}
		}
		if _, ok := m.Place(MaxDevices); ok {
			t.Error("a place too many")
		}
		if _, ok := m.Place(-1); ok {
			t.Error("a place before the first")
		}
	}
}
