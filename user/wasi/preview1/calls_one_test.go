// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"encoding/binary"
	"os"
	"testing"

	"loam/user/sys"
)

// TestOneBuffer: a list of one buffer, of a file, goes a shorter way than others, and has the same outcome.
func TestOneBuffer(t *testing.T) {
	dir := t.TempDir()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	write(t, dir+"/f", "abcdef")
	const outside = 0xffff_fff0
	for _, c := range []struct {
		name           string
		at, size       uint32 // of the first buffer
		vector, result uint64
		read, write    Errno
	}{
		{"as it should be", bufferAt, 6, vectorAt, resultAt, 0, 0},
		{"an empty buffer", bufferAt, 0, vectorAt, resultAt, 0, 0},
		{"an empty buffer elsewhere", outside, 0, vectorAt, resultAt, errnoFault, errnoFault},
		{"a buffer elsewhere", outside, 6, vectorAt, resultAt, errnoFault, errnoFault},
		{"a list elsewhere", bufferAt, 6, outside, resultAt, errnoFault, errnoFault},
		{"a result elsewhere", bufferAt, 6, vectorAt, outside, errnoFault, errnoFault},
	} {
		g := newGuest(t, dir, func(c *Config) { c.Stdin, c.Stdout = sys.Stream(null.Fd()), sys.Stream(null.Fd()) })
		both, _ := g.open("f", 0, 0, readWrite, 0)
		only, _ := g.open("f", 0, 0, rightRead, 0)
		for _, n := range []uint64{1, 2} { // the second buffer is empty
			clear(g.m[vectorAt : vectorAt+16])
			binary.LittleEndian.PutUint32(g.m[vectorAt:], c.at)
			binary.LittleEndian.PutUint32(g.m[vectorAt+4:], c.size)
			moved := func(want uint64) {
				t.Helper()
				if c.result == resultAt && g.result() != want {
					t.Errorf("%s, list of %d: %d bytes, not %d", c.name, n, g.result(), want)
				}
			}
			has := uint64(c.size)
			if c.read != 0 {
				has = 0 // nothing is written there
			}
			g.must(0, "fd_seek", both, 0, 0, resultAt)
			clear(g.m[resultAt : resultAt+4])
			g.must(c.read, "fd_read", both, c.vector, n, c.result)
			moved(has)
			g.must(c.write, "fd_write", both, c.vector, n, c.result)
			moved(has)
			g.must(c.write, "fd_write", 1, c.vector, n, c.result)
			moved(has)
			g.must(errnoNotcapable, "fd_write", only, c.vector, n, c.result)
			if c.read == 0 {
				g.must(0, "fd_read", 0, c.vector, n, c.result)
				moved(0)
			}
			if c.vector == vectorAt && c.read == 0 {
				g.must(errnoIsdir, "fd_read", 3, c.vector, n, c.result)
			}
		}
	}
}
