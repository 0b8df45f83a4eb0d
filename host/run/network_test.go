// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loam/abi"
	"loam/host/exit"
	"loam/host/program"
	"loam/host/vm"
	"loam/internal/manifest"
)

func TestParsePort(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	for text, want := range map[string]Port{
		"8080:80":               {Host: 8080, Guest: 80},
		"8080:80/tcp":           {Host: 8080, Guest: 80},
		"53:53/udp":             {Host: 53, Guest: 53, UDP: true},
		"127.0.0.1:8080:80":     {Address: local, Host: 8080, Guest: 80},
		"localhost:1:65535/udp": {Address: local, Host: 1, Guest: 65535, UDP: true},
	} {
		p, err := ParsePort(text)
		if err != nil || p != want {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
		if again, err := ParsePort(p.String()); err != nil || again != p {
			t.Errorf("%s: %+v, %v", p, again, err)
		}
	}
	for text, want := range map[string]string{
		"":                "not [ADDR:]HOST:GUEST[/udp]",
		"80":              "not [ADDR:]HOST:GUEST[/udp]",
		"80:80/sctp":      `no protocol "sctp"`,
		"0:80":            `"0" is not a port of the host`,
		"80:70000":        `"70000" is not a port of the machine`,
		"1:2:3":           `"1" is not an address`,
		"[::1]:8080:80":   "IPv4 alone",
		"::1:8080:80":     "IPv4 alone",
		"80-90:80":        `"80-90" is not a port`,
		"127.0.0.1::80":   `"" is not a port of the host`,
		"a,b:8080:80":     "is not an address",
		"127.0.0.1:1:2:3": "is not an address",
	} {
		if p, err := ParsePort(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v, want %s", text, p, err, want)
		}
	}
}

func TestParseListener(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	for text, want := range map[string]Port{
		"8080":           {Host: 8080, Guest: 8080, Listener: true},
		"127.0.0.1:8080": {Address: local, Host: 8080, Guest: 8080, Listener: true},
		"localhost:1":    {Address: local, Host: 1, Guest: 1, Listener: true},
	} {
		p, err := ParseListener(text)
		if err != nil || p != want {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
		if again, err := ParseListener(p.String()); err != nil || again != p || p.flag() != "--listen "+p.String() {
			t.Errorf("%s: %+v, %v", p, again, err)
		}
	}
	for text, want := range map[string]string{
		"":          `"" is not a port of the host`,
		"0":         `"0" is not a port`,
		"65536":     `"65536" is not a port`,
		"http":      `"http" is not a port`,
		"80/udp":    `"80/udp" is not a port`,
		"8080:80":   `"8080" is not an address`,
		"[::1]:80":  "IPv4 alone",
		":8080":     `"" is not an address`,
		"a,b:8080":  "is not an address",
		"1.2.3.4:-": `"-" is not a port`,
	} {
		if p, err := ParseListener(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v, want %s", text, p, err, want)
		}
	}
}

// TestSettleNetwork: who has a network, and what can't be.
func TestSettleNetwork(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	ports, listeners := []Port{{Host: 8080, Guest: 80}}, []Port{{Host: 8080, Guest: 8080, Listener: true}}
	for _, c := range []struct {
		o    Options
		kind program.Kind
		want bool
		err  string
	}{
		{o: Options{}, want: true},
		{o: Options{}, kind: program.Wasm},
		{o: Options{Ports: ports}, kind: program.Wasm, err: "a module can't listen by itself; --listen 8080"},
		{o: Options{Ports: listeners}, kind: program.Wasm, want: true},
		{o: Options{Ports: listeners}, err: "-p 8080:8080 has the host's port lead there"},
		{o: Options{Ports: append(listeners, Port{Host: 8080, Guest: 8080, Listener: true, Address: local})}, kind: program.Wasm, err: "there is another"},
		{o: Options{Ports: listeners, Net: NetNone}, kind: program.Wasm, err: "says that there is none"},
		{o: Options{Ports: listeners, Bare: true}, kind: program.Wasm, err: "nothing in the machine"},
		{o: Options{MemoryMiB: leastForNetwork - 1}},
		{o: Options{MemoryMiB: leastForNetwork - 1, Net: NetUser}, want: true},
		{o: Options{Net: NetNone}},
		{o: Options{Bare: true}},
		{o: Options{Disks: make([]Disk, vm.MaxDevices-1)}},
		{o: Options{Bare: true, Net: NetUser}, err: "nothing in the machine"},
		{o: Options{Deterministic: true, Ports: ports}, err: "nothing in the machine"},
		{o: Options{Net: NetNone, Pcap: "x"}, err: "says that there is none"},
		{o: Options{Net: "tap"}, err: "there is no such network"},
	} {
		o := c.o
		o.setDefaults()
		err := o.settleNetwork(c.kind)
		if c.err != "" {
			if err == nil || exit.Code(err) != exit.Loam || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: %v, want %s", c.o, err, c.err)
			}
		} else if err != nil || o.network != c.want {
			t.Errorf("%+v: %v, %v", c.o, o.network, err)
		}
	}
}

// TestNetworkAsked: a service that uses the network has it, also in a bare machine.
func TestNetworkAsked(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]bool{
		"program\nuses net":                         true,
		"service a\nsystem a\nprovides net":         false,
		"service net\nsystem a":                     false,
		"service a\nsystem a\nprogram\nuses init\n": false,
	} {
		if err := os.WriteFile(filepath.Join(dir, manifest.File), []byte(manifestHead+text), 0o666); err != nil {
			t.Fatal(err)
		}
		o := Options{Services: dir, Bare: true}
		o.setDefaults()
		if err := o.settleNetwork(program.Native); err != nil || o.network != want {
			t.Errorf("%q: %v, %v", text, o.network, err)
		}
	}
}

// TestNetworkSection: what the manifest says of the network, and what QEMU is told.
func TestNetworkSection(t *testing.T) {
	pcap := filepath.Join(t.TempDir(), "a.pcap")
	free, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := Port{Address: netip.MustParseAddr("127.0.0.1"), Host: uint16(free.Addr().(*net.TCPAddr).Port), Guest: 80}
	var e *exit.Error
	if _, err := (&Options{Ports: []Port{taken}}).networkDevice(); !errors.As(err, &e) || !strings.Contains(e.Text, "is taken by another program") {
		t.Error(err)
	}
	if _, err := (&Options{Ports: []Port{{Address: netip.MustParseAddr("192.0.2.1"), Host: 8080, Guest: 80}}}).networkDevice(); err == nil || !strings.Contains(err.Error(), "is not an address of this host") {
		t.Error(err)
	}
	if _, err := (&Options{Pcap: filepath.Join(pcap, "b")}).networkDevice(); err == nil || !strings.Contains(err.Error(), "--pcap: ") {
		t.Error(err)
	}
	_ = free.Close()
	one, two := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	for _, c := range []struct {
		a, b Port
		same bool
	}{
		{Port{Host: 1}, Port{Host: 1, Guest: 9}, true}, {Port{Address: one, Host: 1}, Port{Host: 1}, true},
		{Port{Address: one, Host: 1}, Port{Address: two, Host: 1}, false}, {Port{Host: 1}, Port{Host: 1, UDP: true}, false},
		{Port{Host: 1}, Port{Host: 2}, false}, {Port{Address: one, Host: 1}, Port{Address: netip.IPv4Unspecified(), Host: 1}, true},
	} {
		if c.a.meets(c.b) != c.same || c.b.meets(c.a) != c.same {
			t.Errorf("%s and %s: %v", c.a, c.b, !c.same)
		}
	}
	if _, err := (&Options{Ports: []Port{taken, taken}}).networkDevice(); err == nil || !strings.Contains(err.Error(), "one port of the host leads to one") {
		t.Error(err)
	}
	m := machineWith(t, vm.MicroVM, Options{Ports: []Port{taken}, Pcap: pcap, network: true})
	m.personality = true
	all, err := m.withDevices([]byte(manifestHead), &manifest.Manifest{})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := manifest.Parse(all)
	if err != nil || len(whole.Services) != 2 {
		t.Fatalf("%v\n%s", err, all)
	}
	s, linux := whole.Services[0], whole.Services[1]
	if s.Name != "net" || s.File != networkFile || !s.Lazy || len(s.Grants) != 4 || s.Grants[3].Size != 1280<<10 ||
		len(s.Limits) != 1 || s.Limits[0].Element != abi.LimitPages || s.Limits[0].Count != 12<<20/abi.PageSize {
		t.Errorf("%+v", s)
	}
	if strings.Join(linux.Args, " ") != "linux net dns=10.0.2.3" || linux.Grants[1].Name != "net" {
		t.Errorf("%+v", linux)
	}
	d, err := m.devices[0].attach()
	if err != nil || d.Model != "virtio-net" || d.Needs[0].Value != "user,id=net0,"+taken.forward() || d.Needs[1].File == nil {
		t.Errorf("%+v, %v", d, err)
	}
}
