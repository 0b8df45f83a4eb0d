// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// TestMapModel reads, writes, truncates and maps files of the tmpfs by chance, and stores to what is mapped: it
// is all as in a slice of bytes.
func TestMapModel(t *testing.T) {
	for seed := range uint64(40) {
		mapModel(t, seed)
	}
}

func mapModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	path := w.put(0, "/tmp/file\x00")
	tmp := w.put(100, "/tmp\x00")
	free := func() uint64 {
		w.want(0, lx.SysStatfs, tmp, fakeBase+8192)
		return binary.LittleEndian.Uint64(w.k.memory[8192+24:])
	}
	before := free()
	fd := w.call(lx.SysOpenat, here, path, abi.O_CREAT|abi.O_RDWR, 0o600)
	const most = 200_000
	var model []byte
	var mapped *fakeMemory
	at := func() int { return r.IntN(most) }
	for step := range 300 {
		off, n := at(), r.IntN(20_000)
		switch r.IntN(8) {
		case 0, 1:
			b := w.k.memory[4096:][:n]
			for i := range b {
				b[i] = byte(r.IntN(256))
			}
			w.want(n, lx.SysPwrite64, fd, fakeBase+4096, uint64(n), uint64(off))
			if n > 0 {
				model = append(model, make([]byte, max(off+n-len(model), 0))...)
				copy(model[off:], b)
			}
		case 2, 3:
			want := model[min(off, len(model)):min(off+n, len(model))]
			w.want(len(want), lx.SysPread64, fd, fakeBase+4096, uint64(n), uint64(off))
			if got := w.k.memory[4096:][:len(want)]; string(got) != string(want) {
				t.Fatalf("seed %d step %d: read at %d: other bytes", seed, step, off)
			}
		case 4:
			w.want(0, lx.SysFtruncate, fd, uint64(off))
			model = append(model[:min(off, len(model))], make([]byte, max(off-len(model), 0))...)
		case 5:
			w.want(0x7000_0000, lx.SysMmap, 0, most, abi.PROT_READ|abi.PROT_WRITE, abi.MAP_SHARED, fd, 0)
			mapped = w.k.last
		case 6:
			if mapped != nil && !mapped.closed && off < len(model) {
				mapped.b[off] = byte(n)
				model[off] = byte(n)
			}
		case 7:
			if mapped != nil && !mapped.closed {
				mapped.mapped = 0
				w.unshare()
				if !mapped.closed || len(w.inMemory) != 0 {
					t.Fatal("memory that nobody maps is kept")
				}
			}
		}
	}
	w.want(0, lx.SysClose, fd)
	w.want(0, lx.SysUnlinkat, here, path, 0)
	if mapped != nil && !mapped.closed {
		t.Error("memory of a file that is no more is kept")
	}
	if after := free(); after != before {
		t.Errorf("seed %d: %d blocks are free, and were %d", seed, after, before)
	}
}

// TestManyMaps maps more files than there may be memory objects.
func TestManyMaps(t *testing.T) {
	w := newWorld(t)
	for i := range 5 * manyInMemory {
		path := w.put(0, fmt.Sprintf("/tmp/%d\x00", i))
		fd := w.call(lx.SysOpenat, here, path, abi.O_CREAT|abi.O_RDWR, 0o600)
		w.want(1, lx.SysWrite, fd, fakeBase, 1)
		w.want(0x7000_0000, lx.SysMmap, 0, 4096, abi.PROT_READ, abi.MAP_SHARED, fd, 0)
		w.k.last.mapped = 0
		w.want(0, lx.SysClose, fd)
	}
	if len(w.inMemory) > manyInMemory {
		t.Error(len(w.inMemory), "files in memory objects")
	}
}
