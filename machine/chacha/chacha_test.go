// SPDX-License-Identifier: Apache-2.0

package chacha

import (
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// TestBlock is the example of RFC 8439, section 2.3.2.
func TestBlock(t *testing.T) {
	var key [8]uint32
	for i := range key {
		key[i] = 0x03020100 + uint32(i)*0x04040404
	}
	var in, out [16]uint32
	Start(&in, &key)
	in[12], in[13], in[14] = 1, 0x09000000, 0x4a000000
	Block(&out, &in)
	var b []byte
	for _, w := range out {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	const want = "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e" +
		"d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("%s", got)
	}
}
