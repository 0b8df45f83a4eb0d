// SPDX-License-Identifier: Apache-2.0

// Command system is the image of Loam's system programs: one static binary, so that
// they share their text, of which the Go runtime is most. Its first argument, or the
// name by which it is called, says which program it is.
//
//	console  drives a serial port
//	init     starts the others as the manifest says, and looks after them
//
// The runner of WebAssembly modules (user/wasi) is a binary of its own: it is many times
// as large as all of these together, which a machine without a module would carry
// in its boot archive.
package main

import (
	"os"
	"strings"

	"loam/user/console"
	"loam/user/initd"
	"loam/user/sys"
)

// programs are what the image has.
var programs = map[string]func() error{
	"console": console.Run,
	"init":    initd.Run,
}

func main() {
	name := ""
	if len(os.Args) > 0 {
		name = os.Args[0][strings.LastIndexByte(os.Args[0], '/')+1:]
	}
	if programs[name] == nil && len(os.Args) > 1 {
		name = os.Args[1]
	}
	run := programs[name]
	if run == nil {
		fail("system: there is no program " + name)
	}
	if err := run(); err != nil {
		fail(name + ": " + err.Error())
	}
}

func fail(text string) {
	_, _ = sys.Stream(2).Write([]byte(text + "\n"))
	os.Exit(1)
}
