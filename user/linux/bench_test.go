// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"testing"

	"loam/abi"
	"loam/user/linux/lx"
)

// BenchmarkHandle is what a call costs beside the kernel's part.
func BenchmarkHandle(b *testing.B) {
	w := newWorld(b)
	fd := w.call(lx.SysOpenat, here, w.put(0, "/tmp/f\x00"), abi.O_CREAT|abi.O_RDWR, 0o600)
	w.call(lx.SysWrite, fd, bufferAt, 4096)
	for _, c := range []struct {
		name string
		call Call
	}{
		{"fcntl", Call{Number: lx.SysFcntl, Args: [6]uint64{fd, abi.F_GETFL}}},
		{"fstat", Call{Number: lx.SysFstat, Args: [6]uint64{fd, bufferAt}}},
		{"pread", Call{Number: lx.SysPread64, Args: [6]uint64{fd, bufferAt, 512, 0}}},
		{"pwrite", Call{Number: lx.SysPwrite64, Args: [6]uint64{fd, bufferAt, 512, 0}}},
		{"stat", Call{Number: lx.SysNewfstatat, Args: [6]uint64{here, fakeBase, bufferAt, 0}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			c.call.Badge = w.badge
			for b.Loop() {
				if r, now := w.Handle(&c.call); !now || int64(r) < 0 {
					b.Fatal(r, now)
				}
			}
		})
	}
}
