// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// A kernel that ends at 4 MiB, with archives up to the last byte that fits and
// one beyond.
func TestRoom(t *testing.T) {
	kernel := (&vmtest.ELF{Segments: []vmtest.Segment{
		{Addr: 1 << 20, Data: []byte("code")},
		{Addr: 2 << 20, Data: []byte("data"), Size: 2 << 20},
	}}).Bytes()
	for _, c := range []struct {
		mib, cpus, archive int
		fault              string
	}{
		{4, 1, 0, "at least 5 to start ("}, {5, 1, 0, ""}, {5, 1, 1<<20 - kernelRoom, ""},
		{5, 1, 1<<20 - kernelRoom + 1, "at least 6 "}, {6, 1, 1<<20 - kernelRoom + 1, ""},
		{5, 1, 300 << 20, "(-m 305M)"}, {305, 1, 300 << 20, ""},
		{5, 2, 0, ""}, {5, 3, 0, "at least 6 to start on 3 CPUs"}, {6, 3, 0, ""},
	} {
		k, err := MemFileOf("kernel", bytes.NewReader(kernel))
		if err != nil {
			t.Fatal(err)
		}
		a, err := MemFileOf("archive", bytes.NewReader(bytes.Repeat([]byte{1}, c.archive)))
		if err != nil {
			t.Fatal(err)
		}
		err = (&Config{Kernel: k, Archive: a, MemoryMiB: c.mib, CPUs: c.cpus}).checkRoom()
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%d MiB, archive of %d bytes: %v, want %q", c.mib, c.archive, err, c.fault)
		}
		if at, _ := k.Seek(0, 1); at != 0 {
			t.Errorf("the kernel's file is left at %d", at)
		}
		_ = k.Close()
		_ = a.Close()
	}
	if err := config("q").checkRoom(); err != nil {
		t.Errorf("a kernel that is no ELF: %v", err)
	}
}
