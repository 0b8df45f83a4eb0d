// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"

	"loam/abi/channel"
)

// traced writes what the personality says of calls, which has a mark at the begin of each line: to Trace,
// and to Messages where there is none. is reports whether it was that.
func (g *guest) traced(text []byte) (is bool, err error) {
	if len(text) == 0 || text[0] != channel.TraceMark {
		return false, nil
	}
	to := g.Messages
	if g.Trace != nil {
		to = g.Trace
	}
	if _, err := to.Write(bytes.ReplaceAll(text, []byte{channel.TraceMark}, nil)); err != nil {
		return true, errOutput{err}
	}
	return true, nil
}
