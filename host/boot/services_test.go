// SPDX-License-Identifier: Apache-2.0

package boot

import (
	"strings"
	"testing"

	"loam/host/vm"
	"loam/internal/manifest"
)

// TestBuiltIn: what is added to services of one's own.
func TestBuiltIn(t *testing.T) {
	const (
		own    = "service %\n  system console\n  provides console\n"
		shell  = "service shell\n  file shell\n  uses console\n"
		serial = "service port\n  file port\n  ports 0x3f0 9\n"
		other  = "service port\n  file port\n  ports 0x2e8 8\n  interrupt 5\n  memory 0xb9000 4K\n"
	)
	for _, c := range []struct {
		machine  vm.Machine
		manifest string
		want     string // names of the services that there are then
	}{
		{vm.Q35, "", "console monitor"},
		{vm.Virt, "", "console monitor"},
		{vm.MicroVM, "", "console monitor"},
		{vm.MicroVM, other, "port console monitor"},
		{vm.Q35, shell, "shell console"},
		{vm.Q35, strings.ReplaceAll(own, "%", "console"), "console monitor"},
		{vm.Q35, strings.ReplaceAll(own, "%", "mine") + shell, "mine shell"},
		{vm.Q35, serial, "port"},
		{vm.Virt, serial, "port console monitor"},
		{vm.Q35, "service a\n  file a\n  interrupt 1\n", "a"},
		{vm.MicroVM, "service a\n  file a\n  interrupt 1\n", "a console monitor"},
		{vm.Virt, "service a\n  file a\n  memory 0xffff000 8K\n", "a"},
		{vm.Virt, "service a\n  file a\n  registers 0x10000ffc 4\n", "a"},
		{vm.Virt, "service a\n  file a\n  registers 0x10001000 0x200\n", "a console monitor"},
		{vm.Q35, "service monitor\n  file a\n", "monitor console"},
		{vm.Q35, "service console\n  file a\n", "console"},
	} {
		o := Options{Machine: c.machine}
		text := manifestHead + c.manifest
		m, err := manifest.Sections([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := manifest.Parse([]byte(text + o.builtIn(m)))
		if err != nil {
			t.Errorf("%s, %q: %v", c.machine, c.manifest, err)
			continue
		}
		var names []string
		for _, s := range whole.Services {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s, %q: %s, want %s", c.machine, c.manifest, got, c.want)
		}
	}
}

// TestStatus: how a machine ended that has ended itself.
func TestStatus(t *testing.T) {
	for _, c := range []struct{ payload, want string }{
		{"", ""},
		{"\x00\x00\x00\x00\x00\x00\x00\x00", ""},
		{"\x00\x00\x00\x00\x7d\x00\x00\x00the essential service a has ended\x1b", "the essential service a has ended"},
		{"\x01\x00\x00\x00\x09\x00\x00\x00", "init has ended: killed by signal 9 (SIGKILL)"},
		{"\x02\x00\x00\x00\x0c\x00\x00\x00too little", "init could not be started: too little"},
		{"\x02\x00", "host channel"},
	} {
		e := &channelEnd{done: make(chan struct{})}
		close(e.done)
		if c.payload != "" {
			e.exit = []byte(c.payload)
		}
		err := e.status()
		if got := err; c.want == "" && got != nil || c.want != "" && (got == nil || !strings.Contains(got.Error(), c.want) || strings.Contains(got.Error(), "\x1b")) {
			t.Errorf("%q: %v, want %s", c.payload, got, c.want)
		}
	}
}
