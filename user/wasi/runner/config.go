// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"errors"
	"runtime/debug"
	"strconv"
	"strings"

	"loam/internal/wasmfile"
)

// Config is what the host tells the runner, in the boot archive's wasi.conf:
// lines of key=value. Unknown keys are ignored, so that an older runner works
// under a newer host.
type Config struct {
	Verbose bool   // verbose=1: say on standard error which engine is used
	Memory  uint64 // memory=N: bytes of memory of the whole machine, 0 unknown
}

// ParseConfig reads wasi.conf; an absent one is an empty one.
func ParseConfig(b []byte) (c Config, err error) {
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "verbose":
			c.Verbose = value == "1"
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
	return b
}

// system is what the kernel and the runner keep for themselves, in bytes.
const system = 16 << 20

// pages is the most linear memory a module may have: all that is not the
// system's. Growing beyond it fails in the module, as a full heap should,
// instead of ending the process.
func (c Config) pages() uint32 {
	const all = 1 << 16 // 4 GiB, the most a 32-bit memory can have
	switch {
	case c.Memory == 0:
		return all
	case c.Memory < 2*system:
		return uint32(min(c.Memory/2/wasmfile.PageSize, all))
	}
	return uint32(min((c.Memory-system)/wasmfile.PageSize, all))
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
