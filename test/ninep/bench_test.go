// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"os"
	"path/filepath"
	"testing"

	"loam/user/ninep/folder"
)

// BenchmarkRead reads a file of 16 MiB from QEMU into memory that the device reaches. What
// the stub for debuggers costs is in it, once for each message.
func BenchmarkRead(b *testing.B) {
	const size = 16 << 20
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), make([]byte, size), 0o600); err != nil {
		b.Fatal(err)
	}
	device := qemu(b, dir, true)
	d := mount(b, device, folder.Options{}, true)
	p, err := device.Data(size)
	if err != nil {
		b.Fatal(err)
	}
	f, err := d.Open(b.Context(), "f")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	for b.Loop() {
		if n, err := f.ReadAt(b.Context(), p, 0); n != size || err != nil {
			b.Fatal(n, err)
		}
	}
	_ = f.Close()
}

// BenchmarkStat is three messages: Twalk, Tgetattr and Tclunk.
func BenchmarkStat(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o600); err != nil {
		b.Fatal(err)
	}
	d := mount(b, qemu(b, dir, true), folder.Options{}, true)
	for b.Loop() {
		if _, err := d.Stat(b.Context(), "f"); err != nil {
			b.Fatal(err)
		}
	}
}
