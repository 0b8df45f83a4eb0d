// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"loam/host/exit"
	"loam/host/program"
	"loam/host/vm"
)

// What the machine's network is.
const (
	NetDefault = ""     // NetUser for a program that the personality serves, unless memory is small; else NetNone
	NetNone    = "none" // there is none
	NetUser    = "user" // QEMU makes the program's connections as its own
)

// networkName is the service that serves the network, and its endpoint; networkFile its program.
const (
	networkName = "net"
	networkFile = "network"
)

// networkMemory is memory for its device (netd.cardOptions).
const networkMemory = "1280K"

// leastForNetwork is the memory, in MiB, from which on a machine has a network without being asked: its
// server's program takes 6 MiB from the start.
const leastForNetwork = 32

// networkPages is how much memory its server may have, in MiB: it takes 6 from the start, and what it has besides says how many
// sockets there can be, and how large their buffers are.
func networkPages(machine int) int { return max(machine/4, 12) }

// resolver is the server of names of QEMU's user-mode network, which asks those of the host.
const resolver = "10.0.2.3"

// Port is a port of the host's that leads to one of the machine.
type Port struct {
	Address     netip.Addr // of the host's interface; not valid: all of IPv4's
	Host, Guest uint16
	UDP         bool
	Listener    bool // a module has it open from its start: it can't listen by itself
}

// ParseListener reads [ADDR:]PORT: the port of the host, of which that of the machine is the same.
func ParseListener(text string) (p Port, err error) {
	host := text
	if at := strings.LastIndexByte(text, ':'); at >= 0 {
		if p.Address, err = parseInterface(text[:at]); err != nil {
			return p, err
		}
		host = text[at+1:]
	}
	p.Host, err = parsePortNumber(host, "host")
	p.Guest, p.Listener = p.Host, true
	return p, err
}

// ParsePort reads [ADDR:]HOST:GUEST[/udp].
func ParsePort(text string) (p Port, err error) {
	text, protocol, given := strings.Cut(text, "/")
	switch {
	case !given || protocol == "tcp":
	case protocol == "udp":
		p.UDP = true
	default:
		return p, fmt.Errorf("no protocol %q: there are tcp and udp", protocol)
	}
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return p, errors.New("not [ADDR:]HOST:GUEST[/udp], such as 8080:80")
	}
	host, guest := text[:at], text[at+1:]
	if at = strings.LastIndexByte(host, ':'); at >= 0 {
		if p.Address, err = parseInterface(host[:at]); err != nil {
			return p, err
		}
		host = host[at+1:]
	}
	if p.Host, err = parsePortNumber(host, "host"); err != nil {
		return p, err
	}
	p.Guest, err = parsePortNumber(guest, "machine")
	return p, err
}

func parseInterface(text string) (netip.Addr, error) {
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	switch {
	case text == "localhost":
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	case err != nil:
		return a, fmt.Errorf("%q is not an address of IPv4", text)
	case !a.Is4():
		return a, fmt.Errorf("%s: QEMU takes connections to addresses of IPv4 alone", a)
	}
	return a, nil
}

func parsePortNumber(text, whose string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a port of the %s, 1 to 65535", text, whose)
	}
	return uint16(n), nil
}

// flag is what gave the port, in messages.
func (p Port) flag() string {
	if p.Listener {
		return "--listen " + p.String()
	}
	return "-p " + p.String()
}

// String gives the port as ParsePort or ParseListener reads it.
func (p Port) String() string {
	s := strconv.Itoa(int(p.Host))
	if !p.Listener {
		s += ":" + strconv.Itoa(int(p.Guest))
	}
	if p.Address.IsValid() {
		s = p.Address.String() + ":" + s
	}
	if p.UDP {
		s += "/udp"
	}
	return s
}

// forward is the port for QEMU.
func (p Port) forward() string {
	protocol, address := "tcp", ""
	if p.UDP {
		protocol = "udp"
	}
	if p.Address.IsValid() {
		address = p.Address.String()
	}
	return fmt.Sprintf("hostfwd=%s:%s:%d-:%d", protocol, address, p.Host, p.Guest)
}

// meets reports whether another port is the same of the host's: what comes there would come to both.
func (p Port) meets(other Port) bool {
	everywhere := func(a netip.Addr) bool { return !a.IsValid() || a.IsUnspecified() }
	return p.Host == other.Host && p.UDP == other.UDP &&
		(p.Address == other.Address || everywhere(p.Address) || everywhere(other.Address))
}

// check looks whether QEMU will have the port: it only says that something can't be set up.
func (p Port) check() error {
	at := net.JoinHostPort("0.0.0.0", strconv.Itoa(int(p.Host)))
	if p.Address.IsValid() {
		at = netip.AddrPortFrom(p.Address, p.Host).String()
	}
	var c interface{ Close() error }
	var err error
	if p.UDP {
		c, err = net.ListenPacket("udp4", at)
	} else {
		c, err = net.Listen("tcp4", at)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return exit.Errorf(exit.Loam, "%s: port %d of the host is taken by another program", p.flag(), p.Host)
	case errors.Is(err, syscall.EACCES):
		return exit.Errorf(exit.Loam, "%s: port %d of the host is for its administrator: ports from 1024 on are for all", p.flag(), p.Host)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return exit.Errorf(exit.Loam, "%s: %s is not an address of this host", p.flag(), p.Address)
	case err != nil:
		return exit.Errorf(exit.Loam, "%s: %v", p.flag(), err)
	}
	return c.Close()
}

// settleNetwork decides whether the machine has a network.
func (o *Options) settleNetwork(kind program.Kind) error {
	if err := o.checkPorts(kind); err != nil {
		return err
	}
	served := o.personality || o.manifest.wants(networkName)
	asked := o.Net == NetUser || len(o.Ports) > 0 || o.Pcap != ""
	switch {
	case o.Net != NetDefault && o.Net != NetNone && o.Net != NetUser:
		return exit.Errorf(exit.Loam, "--net %s: there is no such network (%s, %s)", o.Net, NetNone, NetUser)
	case o.Net == NetNone && asked:
		return exit.Errorf(exit.Loam, "-p, --listen and --pcap are about a network, and --net none says that there is none")
	case o.Net == NetNone && o.manifest.wants(networkName):
		return exit.Errorf(exit.Loam, "--services: a section uses %s, and --net none says that there is none", networkName)
	case asked && !served:
		return exit.Errorf(exit.Loam, "--net, -p, --listen and --pcap: nothing in the machine would use the network (--bare, --deterministic)")
	case o.Net == NetNone:
	case asked || o.manifest.wants(networkName):
		o.network = true
	default:
		o.network = o.personality && kind == program.Native && o.MemoryMiB >= leastForNetwork &&
			o.numDevices() < vm.MaxDevices && !o.manifest.has(networkName)
	}
	return nil
}

// checkPorts refuses ports at which a program of this kind could never listen.
func (o *Options) checkPorts(kind program.Kind) error {
	for i, p := range o.Ports {
		same := func(other Port) bool { return other.Listener && other.Guest == p.Guest && other.Host == p.Host }
		switch {
		case kind != program.Wasm && p.Listener:
			return exit.Errorf(exit.Loam, "--listen %s: it is for modules; this program listens by itself, and -p %d:%d has the host's port lead there",
				p, p.Host, p.Guest)
		case kind == program.Wasm && !p.Listener && !o.manifest.wants(networkName):
			return exit.Errorf(exit.Loam, "-p %s: a module can't listen by itself; --listen %d gives it a listener at that port of the host", p, p.Host)
		case p.Listener && slices.ContainsFunc(o.Ports[:i], same):
			return exit.Errorf(exit.Loam, "--listen %s: there is another --listen with port %d", p, p.Host)
		}
	}
	return nil
}

// listeners are the ports of the machine at which a module gets listeners, in their order.
func (o *Options) listeners() (list []uint16) {
	for _, p := range o.Ports {
		if p.Listener {
			list = append(list, p.Guest)
		}
	}
	return list
}

// networkDevice is the network's device. Its server begins when it is first called.
func (o *Options) networkDevice() (device, error) {
	for i, p := range o.Ports {
		if k := slices.IndexFunc(o.Ports[:i], p.meets); k >= 0 {
			return device{}, exit.Errorf(exit.Loam, "%s and %s: one port of the host leads to one of the machine", o.Ports[k].flag(), p.flag())
		}
		if err := p.check(); err != nil {
			return device{}, err
		}
	}
	back := "user,id=net0"
	for _, p := range o.Ports {
		back += "," + p.forward()
	}
	needs := []vm.Arg{{Option: "-netdev", Value: back}}
	d := device{
		flag: o.networkFlag(), service: networkName, file: networkFile, dma: []string{networkMemory},
		lines: []string{"start lazy", fmt.Sprintf("limit pages %dM", networkPages(o.MemoryMiB))},
	}
	if len(o.NetworkServer) > 0 {
		d.file, d.args = o.NetworkServer[0], o.NetworkServer[1:]
	}
	if o.Pcap != "" {
		f, err := os.Create(o.Pcap)
		if err != nil {
			return device{}, exit.Errorf(exit.Loam, "--pcap: %v", err)
		}
		d.close = f.Close
		needs = append(needs, vm.Arg{Option: "-object", Value: "filter-dump,id=pcap,netdev=net0,file=/dev/fd/" + vm.FD, File: f})
	}
	d.attach = func() (vm.Device, error) {
		return vm.Device{Model: "virtio-net", Props: "netdev=net0", OnPCI: "romfile=", Needs: needs}, nil
	}
	return d, nil
}

// networkFlag is what the network is for, in messages.
func (o *Options) networkFlag() string {
	switch {
	case len(o.Ports) > 0:
		return o.Ports[0].flag()
	case o.Pcap != "":
		return "--pcap"
	case o.Net == NetUser:
		return "--net"
	case o.manifest.wants(networkName):
		return "uses " + networkName
	}
	return "the program's network (--net none does without)"
}
