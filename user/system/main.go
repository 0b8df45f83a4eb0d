// SPDX-License-Identifier: Apache-2.0

// Command system is the image of Loam's system programs: one static binary, so that
// they share their text, of which the Go runtime is most. Its first argument says which
// program it is, or else the name by which it is called.
//
//	console  drives a serial port, a screen and a keyboard
//	disk     drives a virtio block device, and serves it
//	folder   drives a virtio 9P device, and serves the host's folder behind it
//	init     starts the others as the manifest says, and looks after them
//	linux    answers the Linux calls of programs: descriptors and files
//	monitor  answers the keys of loam boot
//	pci      looks after PCI, and hands functions to their drivers
//	rng      drives a virtio entropy device
//	streams  drives the virtio console that leads to loam's own streams
//
// The runner of WebAssembly modules (user/wasi) is a binary of its own: it is many times
// as large as all of these together, which a machine without a module would carry
// in its boot archive.
package main

import (
	"os"
	"strings"

	"loam/user/console"
	"loam/user/diskd"
	"loam/user/entropy"
	"loam/user/folderd"
	"loam/user/initd"
	"loam/user/linux"
	"loam/user/monitor"
	"loam/user/pcid"
	"loam/user/streamd"
	"loam/user/sys"
)

// programs are what the image has.
var programs = map[string]func(args []string) error{
	"console": console.Run,
	"disk":    diskd.Run,
	"folder":  folderd.Run,
	"init":    func([]string) error { return initd.Run() },
	"linux":   linux.Run,
	"monitor": func([]string) error { return monitor.Run() },
	"pci":     pcid.Run,
	"rng":     entropy.Run,
	"streams": streamd.Run,
}

func main() {
	name, args := "", os.Args
	if len(args) > 0 {
		name, args = args[0][strings.LastIndexByte(args[0], '/')+1:], args[1:]
	}
	if len(args) > 0 && programs[args[0]] != nil {
		name, args = args[0], args[1:]
	}
	run := programs[name]
	if run == nil {
		fail("system: there is no program " + name)
	}
	if err := run(args); err != nil {
		fail(name + ": " + err.Error())
	}
}

func fail(text string) {
	_, _ = sys.Stream(2).Write([]byte(text + "\n"))
	os.Exit(1)
}
