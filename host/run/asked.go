// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"path/filepath"

	"loam/host/vm"
	"loam/internal/manifest"
)

// Endpoints that loam's own services provide where a section asks for them and no service of
// one's own provides them: random bytes of the host's, and loam's own streams.
const (
	random      = "random"
	streamsName = "streams"
)

// asked is what the manifest of --services asks of loam.
type asked struct {
	uses, provides map[string]bool // names of endpoints
	named          map[string]bool // services
	under          bool            // the program is under a personality of one's own
}

// askedOf reads it. What is wrong with the manifest is said when it is read for the machine.
func (o *Options) askedOf() (a asked) {
	a.uses, a.provides, a.named = map[string]bool{}, map[string]bool{}, map[string]bool{}
	if o.Services == "" {
		return a
	}
	text, err := os.ReadFile(filepath.Join(o.Services, manifest.File))
	if err != nil {
		return a
	}
	m, err := manifest.Sections(text)
	if err != nil {
		return a
	}
	a.under = m.Program.Under != ""
	for _, s := range m.All() {
		a.named[s.Name] = true
		for _, g := range s.Grants {
			switch g.Kind {
			case manifest.GrantProvides:
				a.provides[g.Name] = true
			case manifest.GrantUses:
				a.uses[g.Name] = true
			}
		}
	}
	return a
}

// wants reports whether loam is to provide an endpoint.
func (a *asked) wants(name string) bool { return a.uses[name] && !a.provides[name] }

// has reports whether a service of one's own has a name or an endpoint.
func (a *asked) has(name string) bool { return a.named[name] || a.provides[name] }

// personalityFlag is what the personality is for, in messages.
func (o *Options) personalityFlag() string {
	if len(o.Folders) > 0 {
		return "--dir"
	}
	return "the program (--bare does without)"
}

// streamsFlag is what that device is for, in messages.
func (o *Options) streamsFlag() string {
	if o.manifest.wants(streamsName) {
		return "uses " + streamsName
	}
	return o.personalityFlag()
}

// randomDevice is the device of random bytes. QEMU takes them from the host's kernel.
func randomDevice() device {
	return device{
		flag: "uses " + random, service: random, program: "rng", dma: []string{"4K"},
		attach: func() (vm.Device, error) { return vm.Device{Model: "virtio-rng"}, nil },
	}
}
