// SPDX-License-Identifier: Apache-2.0

package boot

import (
	"strings"

	"loam/host/vm"
	"loam/internal/manifest"
)

const manifestHead = "loam-manifest 1\n"

// consoles are the console's driver for each machine, with the devices that it has. The
// endpoint has the service's name.
var consoles = map[vm.Machine]string{
	vm.Q35: `service console
  system console
  args uart=0x3f8 vga ps2 log
  provides console
  interrupt 4
  ports 0x3f8 8
  memory 0xb8000 4K
  ports 0x3d4 2
  interrupt 1
  ports 0x60 5
  machine read
  restart always after 10ms to 1s
`,
	vm.MicroVM: `service console
  system console
  args uart=0x3f8 log
  provides console
  interrupt 4
  ports 0x3f8 8
  machine read
  restart always after 10ms to 1s
`,
	vm.Virt: `service console
  system console
  args uart log
  provides console
  interrupt 10 level
  memory 0x10000000 4K
  machine read
  restart always after 10ms to 1s
`,
}

// monitor answers keys.
const monitor = `service monitor
  system monitor
  uses console
  uses init
  machine
  restart always
`

const consoleName, monitorName = "console", "monitor"

// addBuiltIn adds it to the text of the manifest m.
func (o *Options) addBuiltIn(text []byte, m *manifest.Manifest) ([]byte, error) {
	return append(append(text, '\n'), o.builtIn(m)...), nil
}

// builtIn gives what is added to the manifest m: the console, unless a service of m has
// its name, provides it, or has a device of it; and the monitor, unless another uses the
// console, or nobody provides it.
func (o *Options) builtIn(m *manifest.Manifest) string {
	console := consoles[o.Machine]
	its, err := manifest.Parse([]byte(manifestHead + console))
	if err != nil {
		panic("boot: " + err.Error())
	}
	taken, provided, monitored := false, false, false
	for _, s := range m.All() {
		taken = taken || s.Name == consoleName
		monitored = monitored || s.Name == monitorName
		for i := range s.Grants {
			g := &s.Grants[i]
			named := g.Name == consoleName
			provided = provided || named && g.Kind == manifest.GrantProvides
			monitored = monitored || named && g.Kind == manifest.GrantUses
			for k := range its.Services[0].Grants {
				taken = taken || g.Claims(&its.Services[0].Grants[k])
			}
		}
	}
	var text strings.Builder
	if !taken && !provided {
		text.WriteString(console)
		provided = true
	}
	if provided && !monitored {
		text.WriteString(monitor)
	}
	return text.String()
}
