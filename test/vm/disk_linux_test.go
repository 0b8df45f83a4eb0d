// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// TestDiskService has several goroutines do random requests to a disk by its service, which is
// killed again and again, or isn't: what they read is what they have written, and so is the
// host's file in the end. LOAM_DISK_OPS is how many requests, 2000 without it; the service is
// killed five times at least, or once for 5000 of them.
func TestDiskService(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	ops := number(t, "LOAM_DISK_OPS", 2000)
	life := min(400+ops/500, 2000) // ms, at most
	kills, limit := max(5, ops/5000), vmtest.Limit+time.Duration(ops)*5*time.Millisecond
	const bus = 6
	image := func(t *testing.T) string { return vmtest.File(t, "disk", make([]byte, 4<<20)) }
	dir := func(t *testing.T, services string) string {
		program, err := os.ReadFile(vmtest.Program(t, "disk"))
		if err != nil {
			t.Fatal(err)
		}
		path := vmtest.File(t, "manifest", []byte("loam-manifest 1\n"+services+"program\n  uses disk0\n  uses init\n"))
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "disk"), program, 0o666); err != nil {
			t.Fatal(err)
		}
		return filepath.Dir(path)
	}
	want := func(t *testing.T, r *vmtest.Result, file string) {
		r.Want(t, 0)
		wantNothingLeft(t, r)
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("%08x,", crc32.ChecksumIEEE(b)); !strings.HasPrefix(string(r.Stdout), sum) {
			t.Errorf("the file's sum is %s\n%s", sum, r)
		}
		t.Logf("%s", r.Stdout)
	}
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		file := image(t)
		qemu := append([]string{"-drive", "if=none,id=disk,format=raw,discard=unmap,cache=unsafe,file=" + file}, onMMIO(bus, "virtio-blk-device,drive=disk,packed=on")...)
		services := "service disk0\n  file disk\n  args serve " + fmt.Sprint(life) + "\n  provides disk0\n" + place(bus, "64K") + "  dma 1M\n  restart always after 0s to 0s without limit\n"
		r := vmtest.Command{Limit: limit, Env: vmtest.QEMUWith(t, qemu...), Args: []string{"run", "-m", "256M", "--cpus", "2", "-v",
			"--services", dir(t, services), vmtest.Program(t, "disk"), "model", fmt.Sprint(ops), fmt.Sprint(kills)}}.Do(t)
		want(t, r, file)
	})
	if vmtest.Arch() == hostvm.AMD64 {
		t.Run("behind PCI", func(t *testing.T) {
			t.Parallel()
			file := image(t)
			r := vmtest.Command{Limit: limit, Args: []string{"run", "--machine", string(hostvm.Q35), "-m", "256M", "-v", "--services", dir(t, ""), "--disk", file,
				vmtest.Program(t, "disk"), "model", fmt.Sprint(ops / 3), "0"}}.Do(t)
			want(t, r, file)
		})
	}
	t.Run("flag", func(t *testing.T) {
		t.Parallel()
		file := image(t)
		r := vmtest.Command{Limit: limit, Args: []string{"run", "-m", "256M", "-v", "--services", dir(t, ""), "--disk", file,
			vmtest.Program(t, "disk"), "model", fmt.Sprint(ops / 2), "0"}}.Do(t)
		want(t, r, file)
	})
	t.Run("taken", func(t *testing.T) { // by one that ends without giving it back
		t.Parallel()
		text := vmtest.File(t, "text", append([]byte("only to be read"), make([]byte, 1024-15)...))
		taker := "service taker\n  file disk\n  args take\n  uses disk0\n  restart never\n"
		r := vmtest.Command{Args: []string{"run", "-m", "256M", "-v", "--services", dir(t, taker), "--disk", text + ":ro", vmtest.Program(t, "disk"), "once"}}.Do(t)
		r.WantStdout(t, 0, "1024 bytes, read-only true, \"only to be read\"\n")
		wantNothingLeft(t, r)
	})
}
