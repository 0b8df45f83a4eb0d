// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// place gives the lines of a manifest for a driver of the device on QEMU's bus
// virtio-mmio-bus.i, with a size of memory for it. microvm's devices share a page.
func place(i int, dma string) string {
	if vmtest.Arch() == hostvm.AMD64 {
		return fmt.Sprintf("  interrupt %d level\n  registers %#x 0x200\n  dma %s\n", 5+i, 0xfeb00000+0x200*i, dma)
	}
	return fmt.Sprintf("  interrupt %d level\n  memory %#x 4K\n  dma %s\n", 1+i, 0x10001000+0x1000*i, dma)
}

// onMMIO are QEMU's arguments for a device on bus i.
func onMMIO(i int, device string) []string {
	return []string{"-global", "virtio-mmio.force-legacy=false", "-device", fmt.Sprintf("%s,bus=virtio-mmio-bus.%d", device, i)}
}

// rings are the forms of queues, and packed is what QEMU is told for one.
var rings = []string{"split", "packed"}

func packed(ring string) string {
	if ring == "packed" {
		return "on"
	}
	return "off"
}

// counting is a file that QEMU takes for a source of random bytes: numbers of 8 bytes, from
// 1 on.
func counting(t *testing.T) string {
	const numbers = 2 << 20
	b := make([]byte, 0, 8*numbers)
	for i := range uint64(numbers) {
		b = binary.LittleEndian.AppendUint64(b, i+1)
	}
	return vmtest.File(t, "numbers", b)
}

// TestEntropy has a driver of an entropy device killed 20 times, while several programs
// want bytes: what they get is what the device gives, and nothing comes twice.
func TestEntropy(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, ring := range rings {
		for _, cpus := range vmtest.CPUs("1", "2") {
			t.Run(ring+"/"+cpus, func(t *testing.T) {
				t.Parallel()
				const bus = 3
				device := "virtio-rng-device,rng=source,packed=" + packed(ring)
				qemu := append([]string{"-object", "rng-random,id=source,filename=" + counting(t)}, onMMIO(bus, device)...)
				dir := services(t, "service rng\n  file services\n  args entropy 80\n  provides random\n"+place(bus, "4K")+
					"  restart always after 0s to 0s without limit\nprogram\n  uses random\n  uses init\n")
				c := vmtest.Command{Env: vmtest.QEMUWith(t, qemu...), Args: []string{"run", "-m", "256M", "--cpus", cpus, "-v", "--services", dir,
					vmtest.Program(t, "services"), "draw", "20", "4", "rng"}}
				r := c.Do(t)
				r.Want(t, 0)
				t.Logf("%s", r.Stdout)
				wantNothingLeft(t, r)
			})
		}
	}
}

// TestRandomDevice: a machine has the device because its manifest wants what it gives.
func TestRandomDevice(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir := services(t, "program\n  uses random\n")
	r := vmtest.Run(t, "-m", "256M", "--services", dir, vmtest.Program(t, "services"), "random")
	r.WantStdout(t, 0, "random\n")
}

// TestSilentDevice: a driver gives a device up that does not answer, and one that
// isn't there.
func TestSilentDevice(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	qemu := append([]string{"-object", "rng-builtin,id=source"},
		onMMIO(7, "virtio-rng-device,rng=source,max-bytes=10,period=3600000")...) // 10 bytes, and no more in this hour
	service := func(name string, bus int) string {
		return "service " + name + "\n  system rng\n  args limit=200ms\n  provides " + name + "\n" + place(bus, "4K") + "  restart never\n"
	}
	dir := services(t, service("silent", 7)+service("empty", 6)+"program\n  uses silent\n")
	r := vmtest.Command{Env: vmtest.QEMUWith(t, qemu...), Args: []string{"run", "-m", "256M", "-v", "--services", dir, vmtest.Program(t, "services"), "silence"}}.Do(t)
	r.WantStdout(t, 0, "silent\n")
	wantNothingLeft(t, r)
	for _, want := range []string{
		"rng: driver: the device does not answer\n", "init: service silent does not come back: exit code 1\n",
		"rng: virtio: no device\n", "init: service empty does not come back: exit code 1\n",
	} {
		if !strings.Contains(string(r.Stderr), want) {
			t.Errorf("not said: %q\n%s", want, r)
		}
	}
}

// TestDisk has a program do random requests to a block device: what it reads is what it has
// written, and so is the host's file in the end.
func TestDisk(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const sectors, size, bus = 4096, 512, 1
	for _, ring := range rings {
		t.Run(ring, func(t *testing.T) {
			t.Parallel()
			image := make([]byte, sectors*size)
			for i := range sectors {
				copy(image[i*size:], fmt.Sprintf("sector %d, version 1", i))
				copy(image[(i+1)*size-32:], fmt.Sprintf("%32d", i<<32|1))
			}
			file := vmtest.File(t, "disk", image)
			qemu := append([]string{"-drive", "if=none,id=disk,format=raw,discard=unmap,file=" + file}, onMMIO(bus, "virtio-blk-device,drive=disk,packed="+packed(ring))...)
			dir := services(t, "program\n"+place(bus, "256K"))
			r := vmtest.Command{Env: vmtest.QEMUWith(t, qemu...), Args: []string{"run", "-m", "256M", "-v", "--services", dir, vmtest.Program(t, "disk"), "raw", "5000"}}.Do(t)
			r.Want(t, 0)
			wantNothingLeft(t, r)
			image, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if want := fmt.Sprintf("%08x ", crc32.ChecksumIEEE(image)); !strings.HasPrefix(string(r.Stdout), want) {
				t.Errorf("the file's sum is %s\n%s", want, r)
			}
			t.Logf("%s", r.Stdout)
		})
	}
}

// TestSerial has a program send back what comes at a port of a virtio console: all of it,
// unharmed, however slowly it is taken.
func TestSerial(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	const size, bus = 2 << 20, 4
	for _, ring := range rings {
		t.Run(ring, func(t *testing.T) {
			t.Parallel()
			run, err := os.MkdirTemp("", "serial") // a short path: that of a socket is limited
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(run) })
			socket := filepath.Join(run, "s")
			qemu := append(onMMIO(bus, "virtio-serial-device,packed="+packed(ring)),
				"-chardev", "socket,id=port,server=on,wait=off,path="+socket, "-device", "virtserialport,chardev=port,name=echo")
			dir := services(t, "program\n"+place(bus, "256K"))
			result := make(chan error, 1)
			go func() { result <- sendAndCompare(socket, size) }()
			r := vmtest.Command{Env: vmtest.QEMUWith(t, qemu...), Args: []string{"run", "-m", "256M", "-v", "--services", dir, vmtest.Program(t, "serial")}}.Do(t)
			r.WantStdout(t, 0, fmt.Sprintln(size))
			wantNothingLeft(t, r)
			if err := <-result; err != nil {
				t.Error(err)
			}
		})
	}
}

// sendAndCompare sends bytes to whoever listens at a socket, and wants them back. The machine
// that loam tries the accelerator with listens there too, and answers nothing.
func sendAndCompare(socket string, size int) error {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		n := 0
		if err == nil {
			n, err = exchange(conn, size)
			conn.Close()
		}
		if err == nil || n > 0 || time.Since(begin) > vmtest.Limit {
			return err
		}
	}
}

// exchange gives how many bytes came back.
func exchange(conn net.Conn, size int) (n int, err error) {
	if err := conn.SetDeadline(time.Now().Add(vmtest.Limit)); err != nil {
		return 0, err
	}
	sent := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(sent)
	wrote := make(chan error, 1)
	go func() {
		_, err := conn.Write(sent)
		wrote <- err
	}()
	came := make([]byte, size)
	if n, err = io.ReadFull(conn, came[:1]); err == nil {
		time.Sleep(500 * time.Millisecond) // all that is in between is full by then
		n, err = io.ReadFull(conn, came[1:])
		n++
	}
	if err := errors.Join(err, <-wrote); err != nil {
		return n, fmt.Errorf("%d bytes came back: %w", n, err)
	}
	if !bytes.Equal(sent, came) {
		return n, errors.New("what came back isn't what was sent")
	}
	return n, nil
}
