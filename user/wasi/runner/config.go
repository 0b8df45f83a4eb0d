// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"runtime/debug"
	"strconv"
	"strings"

	"loam/internal/wasmfile"
	"loam/user/wasi/preview1"
)

// Config is what the host tells the runner, in the boot archive's wasi.conf:
// lines of key=value. Unknown keys are ignored, so that an older runner works
// under a newer host.
type Config struct {
	Verbose bool   // verbose=1: say on standard error which engine is used
	Memory  uint64 // memory=N: bytes of memory of the whole machine, or that the program may have of it, 0 unknown
	// Folders are what the module may open, as far as this process may: dir=PATH each, and a tab and what
	// the module calls it, where that is another path.
	Folders []preview1.Folder
	// Cache is the folder that keeps code that is compiled here, empty for none: cache=PATH. What is in it is run as
	// it is: nobody may write there who may not write machine code.
	Cache string
	// Listeners are ports of TCP at which the module has listeners: listen=PORT each.
	Listeners []uint16
}

// ParseConfig reads wasi.conf; an absent one is an empty one.
func ParseConfig(b []byte) (c Config, err error) {
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		switch key {
		case "verbose":
			c.Verbose = value == "1"
		case "dir":
			path, name, other := strings.Cut(value, "\t")
			if !other {
				name = path
			}
			c.Folders = append(c.Folders, preview1.Folder{Path: path, Name: name})
		case "cache":
			c.Cache = value
		case "listen":
			port, err := strconv.ParseUint(value, 10, 16)
			if err != nil {
				return c, errors.New(FileConfig + ": listen is not a port: " + strconv.Quote(value))
			}
			c.Listeners = append(c.Listeners, uint16(port))
		case "memory":
			if c.Memory, err = strconv.ParseUint(value, 10, 64); err != nil {
				return c, errors.New(FileConfig + ": memory is not a number: " + strconv.Quote(value))
			}
		}
	}
	return c, nil
}

// Encode returns the text of a Config.
func (c Config) Encode() []byte {
	var b []byte
	if c.Verbose {
		b = append(b, "verbose=1\n"...)
	}
	if c.Memory != 0 {
		b = append(strconv.AppendUint(append(b, "memory="...), c.Memory, 10), '\n')
	}
	for _, f := range c.Folders {
		b = append(append(b, "dir="...), f.Path...)
		if f.Name != f.Path {
			b = append(append(b, '\t'), f.Name...)
		}
		b = append(b, '\n')
	}
	if c.Cache != "" {
		b = append(append(append(b, "cache="...), c.Cache...), '\n')
	}
	for _, port := range c.Listeners {
		b = append(strconv.AppendUint(append(b, "listen="...), uint64(port), 10), '\n')
	}
	return b
}

// system is what the kernel and the runner use themselves, in bytes, roughly.
const system = 24 << 20

// pages is the most linear memory a module may have when the boot archive and
// what is made of it take the given number of bytes: all that nobody else
// needs. Growing beyond it fails in the module, as a full heap should, instead
// of ending the process.
func (c Config) pages(archive uint64) uint32 {
	const all = 1 << 16 // 4 GiB, the most a 32-bit memory can have
	free := c.Memory / 2
	switch used := system + archive; {
	case c.Memory == 0:
		return all
	case c.Memory-min(used, c.Memory) > free:
		free = c.Memory - used
	}
	return uint32(min(free/wasmfile.PageSize, all))
}

// tune sets the collector for a program that allocates little after its start:
// it should not run during a start from compiled code at all. With a known
// size of memory it starts to work hard before the machine is full.
func tune(memory uint64) {
	debug.SetGCPercent(400)
	if memory != 0 {
		debug.SetMemoryLimit(int64(max(memory/3, 4<<20)))
	}
}
