// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"path/filepath"

	"loam/host/vm"
	"loam/internal/manifest"
)

// random is the endpoint of random bytes of the host's. A machine where a service wants
// it has the device and the service, unless a service of one's own provides it.
const random = "random"

// wantsRandom reports whether the manifest of --services asks for that. What is wrong with it
// is said when it is read for the machine.
func (o *Options) wantsRandom() bool {
	if o.Services == "" {
		return false
	}
	text, err := os.ReadFile(filepath.Join(o.Services, manifest.File))
	if err != nil {
		return false
	}
	m, err := manifest.Sections(text)
	if err != nil {
		return false
	}
	uses := false
	for _, s := range m.All() {
		for _, g := range s.Grants {
			switch {
			case g.Name != random:
			case g.Kind == manifest.GrantProvides:
				return false
			case g.Kind == manifest.GrantUses:
				uses = true
			}
		}
	}
	return uses
}

// randomDevice is the device. QEMU takes its bytes from the host's kernel.
func randomDevice() device {
	return device{
		flag: "uses " + random, service: random, program: "rng", dma: []string{"4K"},
		attach: func() (vm.Device, error) { return vm.Device{Model: "virtio-rng"}, nil },
	}
}
