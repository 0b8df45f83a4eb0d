// SPDX-License-Identifier: Apache-2.0

package run

import (
	"fmt"
	"path/filepath"
	"strings"

	"loam/host/exit"
	"loam/host/vm"
	"loam/internal/manifest"
)

// device is a device that loam gives the machine, with the service that drives it. The
// service's name is that of the endpoint which it provides, too.
type device struct {
	flag    string   // by which it was asked for, for messages: "--disk"
	service string   // its name: "disk0"
	program string   // of the system image: "disk"
	file    string   // of Options.Services, or networkFile, in place of program
	args    []string // the program's
	granted bool     // the program is to be told that the personality may call it
	dma     []string // sizes of memory for the device, as in a manifest
	lines   []string // further ones of its section
	// attach gives what QEMU is told, once for each attempt to run the machine.
	attach func() (vm.Device, error)
	// close gives back what the device has on the host; or nil.
	close func() error
}

// section is the device's section of the manifest. A driver finds its handles in the order
// of package user/virtio/driver: endpoint, interrupt, registers, memory.
func (d *device) section(p vm.Place, args []string) string {
	var b strings.Builder
	line := func(words ...string) { b.WriteString("  " + strings.Join(words, " ") + "\n") }
	b.WriteString("service " + d.service + "\n")
	if d.file != "" {
		line("file", d.file)
	} else {
		line("system", d.program)
	}
	if len(args) > 0 {
		quoted := []string{"args"}
		for _, a := range args {
			quoted = append(quoted, word(a))
		}
		line(quoted...)
	}
	line("provides", d.service)
	switch {
	case p.PCI != 0:
		line("uses", busName)
	case p.Shared:
		line("interrupt", fmt.Sprint(p.Interrupt), "level")
		line("registers", fmt.Sprintf("%#x %#x", p.Address, p.Size))
	default:
		line("interrupt", fmt.Sprint(p.Interrupt), "level")
		line("memory", fmt.Sprintf("%#x %#x", p.Address, p.Size))
	}
	for _, size := range d.dma {
		line("dma", size)
	}
	for _, more := range d.lines {
		line(more)
	}
	line("restart always after 10ms to 1s")
	return b.String()
}

// busName is that of the service which hands out PCI functions, and of its endpoint.
const busName = "pci"

// busSection is its section of the manifest, for devices whose sections are those behind number
// first.
func (m *machine) busSection(first int) string {
	grants := ""
	for i := range m.devices {
		p, _ := m.Machine.Place(i)
		grants += fmt.Sprintf(" grant=%d:%x", first+1+i, p.PCI)
	}
	return "service " + busName + "\n  system pci\n  args" + grants + "\n  provides " + busName +
		"\n  machine\n  restart always after 10ms to 1s\n"
}

// word writes a word of a manifest that may hold white space.
func word(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

const manifestHead = "loam-manifest 1\n"

// openDevices gives the devices that are wanted, on the host's side open.
func (o *Options) openDevices() (all []device, err error) {
	if err := checkFolders(o.Folders); err != nil {
		return nil, err
	}
	for i := range o.Disks {
		d, err := o.Disks[i].device(i)
		if err != nil {
			return all, err
		}
		all = append(all, d)
	}
	for i := range o.Folders {
		d, err := o.Folders[i].device(i)
		if err != nil {
			return all, err
		}
		all = append(all, d)
	}
	if o.manifest.wants(random) {
		all = append(all, randomDevice())
	}
	if o.network {
		d, err := o.networkDevice()
		if err != nil {
			return all, err
		}
		all = append(all, d)
	}
	return all, nil
}

// numDevices is how many the machine has.
func (o *Options) numDevices() int {
	n := len(o.Disks) + len(o.Folders)
	if o.streams {
		n++
	}
	if o.manifest.wants(random) {
		n++
	}
	if o.network {
		n++
	}
	return n
}

// withDevices adds what loam's own services need to a manifest, of which m are the
// sections: device i has the machine's place i.
func (m *machine) withDevices(text []byte, has *manifest.Manifest) ([]byte, error) {
	all := append([]byte{}, text...)
	if m.personality {
		all = underPersonality(all, has)
	}
	if len(all) > 0 && all[len(all)-1] != '\n' {
		all = append(all, '\n')
	}
	before := len(has.Services)
	if p, _ := m.Machine.Place(0); p.PCI != 0 && len(m.devices) > 0 {
		before++
		if err := m.add(&all, has, m.devices[0].flag, m.busSection(before)); err != nil {
			return nil, err
		}
	}
	for i := range m.devices {
		d := &m.devices[i]
		p, ok := m.Machine.Place(i)
		if !ok {
			return nil, exit.Errorf(exit.Loam, "%s: %s has no place for the device", d.flag, m.Machine)
		}
		args := d.args
		if d.granted { // to the personality, whose section is the one behind all devices
			args = append(args, fmt.Sprintf("grant=%d", before+len(m.devices)+1))
		}
		if err := m.add(&all, has, d.flag, d.section(p, args)); err != nil {
			return nil, err
		}
	}
	if m.personality {
		if err := m.add(&all, has, m.personalityFlag(), m.personalitySection()); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// add adds a section, of what flag asks for.
func (m *machine) add(text *[]byte, has *manifest.Manifest, flag, section string) error {
	own, err := manifest.Sections([]byte(manifestHead + section))
	if err != nil {
		return exit.Errorf(exit.Loam, "%s: its section of the manifest: %v", flag, err)
	}
	if err := inTheWay(has, own, flag, m.Services); err != nil {
		return err
	}
	*text = append(*text, section...)
	return nil
}

// underPersonality has the program's section say whose the program is.
func underPersonality(text []byte, has *manifest.Manifest) []byte {
	const line = "  under " + personality
	if has.Program.Line == 0 {
		return append(text, "\n"+manifest.ProgramName+"\n"+line+"\n"...)
	}
	lines := strings.SplitAfter(string(text), "\n")
	before := strings.TrimSuffix(strings.Join(lines[:has.Program.Line], ""), "\n")
	return []byte(before + "\n" + line + "\n" + strings.Join(lines[has.Program.Line:], ""))
}

// inTheWay refuses services of one's own that have the name, the endpoint, or the registers
// or interrupt of a service of loam's.
func inTheWay(m, own *manifest.Manifest, flag, dir string) error {
	mine := &own.Services[0]
	for _, s := range m.All() {
		why := ""
		if s.Name == mine.Name {
			why = "has the name of the service"
		}
		for i := range s.Grants {
			g := &s.Grants[i]
			if g.Kind == manifest.GrantProvides && g.Name == mine.Name {
				why = "provides the endpoint " + g.Name
			}
			for k := range mine.Grants {
				if g.Claims(&mine.Grants[k]) {
					why = "has the " + g.String()
				}
			}
		}
		if why != "" {
			return exit.Errorf(exit.Loam, "--services: %s:%d: %s %s, which loam makes for %s",
				filepath.Join(dir, manifest.File), s.Line, s.Name, why, flag)
		}
	}
	return nil
}
