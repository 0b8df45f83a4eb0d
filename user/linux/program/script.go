// SPDX-License-Identifier: Apache-2.0

package program

import (
	"bytes"

	"loam/abi"
)

// ScriptLine is how many bytes of a file are looked at for an interpreter's name.
const ScriptLine = 256

// Script gives the interpreter of a script, by the first bytes of its file, and the one argument that
// its line may have. ok is false for what is no script; ENOEXEC: it names none.
func Script(head []byte) (interpreter, argument string, ok bool, errno abi.Errno) {
	line, ok := bytes.CutPrefix(head[:min(len(head), ScriptLine)], []byte("#!"))
	if !ok {
		return "", "", false, 0
	}
	line, _, whole := bytes.Cut(line, []byte("\n"))
	line = bytes.Trim(line, " \t")
	name, rest, more := line, []byte(nil), false
	if i := bytes.IndexAny(line, " \t\x00"); i >= 0 {
		name, rest, more = line[:i], line[i:], true
	}
	if len(name) == 0 || !whole && !more && len(head) >= ScriptLine { // the name may be cut off
		return "", "", true, abi.ENOEXEC
	}
	rest, _, _ = bytes.Cut(rest, []byte{0})
	return string(name), string(bytes.Trim(rest, " \t")), true, 0
}
