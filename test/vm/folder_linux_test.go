// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// TestFolder has a program copy files of a host's folder, by a service that is killed again
// and again, or by one that isn't: all of them are there in the end. Behind PCI the bus service hands the
// device out.
func TestFolder(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const count, size, bus = 8, 100_000, 2
	for name, c := range map[string]struct {
		file, ring, cpus, restarts string
		pci                        bool
	}{
		"system": {"system folder\n  args", "split", "1", "0", false},
		"packed": {"system folder\n  args", "packed", "2", "0", false},
		"killed": {"file services\n  args folder 700", "split", "2", "6", false},
		"PCI":    {"file services\n  args folder 700", "split", "2", "6", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := t.TempDir()
			host := filepath.Join(all, "a folder, of the host's")
			for _, dir := range []string{"in", "out"} {
				if err := os.MkdirAll(filepath.Join(host, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			var want [count][]byte
			source := rand.NewChaCha8([32]byte{7})
			for i := range want {
				want[i] = make([]byte, size)
				_, _ = source.Read(want[i])
				if err := os.WriteFile(filepath.Join(host, "in", fmt.Sprint(i)), want[i], 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(all, "secret"), []byte("secret"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("../../secret", filepath.Join(host, "in/link")); err != nil {
				t.Fatal(err)
			}
			qemu := []string{"-fsdev", "local,id=f,security_model=none,multidevs=remap,path=" + strings.ReplaceAll(host, ",", ",,")}
			device := "fsdev=f,mount_tag=here,packed=" + packed(c.ring)
			p, at, grant := pciHost{}, place(bus, "4M"), "2"
			if c.pci {
				p, at, grant = pciMachine(), "  uses pci\n  dma 4M\n", "3"
				qemu = append(qemu, "-device", "virtio-9p-pci,addr=4,"+device)
			} else {
				qemu = append(qemu, onMMIO(bus, "virtio-9p-device,"+device)...)
			}
			dir := services(t, p.service("2:4")+"service folder\n  "+c.file+" tag=here grant="+grant+"\n  provides files\n"+
				at+"  dma 256K\n  restart always after 0s to 0s without limit\nprogram\n  uses files\n  uses init\n")
			r := vmtest.Command{Env: vmtest.QEMUWithOn(t, p.kind, qemu...), Args: slices.Concat([]string{"run"}, p.flags, []string{
				"-m", "256M", "--cpus", c.cpus, "-v", "--services", dir, vmtest.Program(t, "services"), "files", c.restarts, fmt.Sprint(count)})}.Do(t)
			r.WantStdout(t, 0, "copied\n")
			t.Logf("%s", r.Stderr)
			wantNothingLeft(t, r)
			for i := range want {
				if got, err := os.ReadFile(filepath.Join(host, "out", fmt.Sprint(i))); err != nil || !bytes.Equal(got, want[i]) {
					t.Errorf("file %d: %d bytes, or others: %v", i, len(got), err)
				}
			}
		})
	}
}
