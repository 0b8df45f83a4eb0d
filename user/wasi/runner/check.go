// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"strconv"

	"loam/internal/wasmfile"
	"loam/user/wasi/preview1"
)

// Runnable reports, as an error fit for people, why a module of this outline
// can't be run as a command in at most the given number of pages of linear
// memory. It finds what can be told without the engine.
func Runnable(info *wasmfile.Info, pages uint32) error {
	for _, m := range info.Imports {
		switch {
		case m.Module == "wasi_unstable":
			return cannot("built for WASI preview 0 (wasi_unstable); loam runs preview 1")
		case m.Kind == wasmfile.Func && (m.Module == preview1.ModuleName || m.Module == threadsModule && m.Name == threadSpawn):
		case m.Kind == wasmfile.Memory && m.Memory.Shared && m.Module != preview1.ModuleName && m.Module != threadsModule:
		case m.Kind == wasmfile.Memory && !m.Memory.Shared:
			return cannot("it imports the memory " + quote(m.Module) + "." + quote(m.Name) + ", and only one that threads share is provided")
		default:
			return cannot("it imports " + m.Kind.String() + " " + quote(m.Module) + "." + quote(m.Name) +
				", which nobody provides (loam provides " + preview1.ModuleName + ")")
		}
	}
	if e, ok := info.Export("_start"); !ok || e.Kind != wasmfile.Func {
		return cannot("not a WASI command: it exports no _start function (is it a library?)")
	}
	if info.Pages > uint64(pages) {
		return cannot("it needs at least " + mebibytes(info.Pages) + " of memory, and this machine has " +
			mebibytes(uint64(pages)) + " for it (-m gives more)")
	}
	return nil
}

// quote makes a name from a module fit for a terminal.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "..."
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// mebibytes is a number of pages in words, rounded up.
func mebibytes(pages uint64) string {
	return strconv.FormatUint((pages+15)/16, 10) + " MiB"
}
