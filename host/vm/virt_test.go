// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"loam/abi/channel"
)

// flatKernel is the beginning of a flat image that takes so many bytes of memory.
func flatKernel(t *testing.T, size uint64) *os.File {
	t.Helper()
	b := make([]byte, 4096)
	binary.LittleEndian.PutUint64(b[16:], size)
	copy(b[0x30:], "RISCV")
	f, err := MemFileOf("kernel", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func virtConfig(t *testing.T) *Config {
	return &Config{QEMU: "q", Machine: Virt, Accel: TCG, CPUs: 1, MemoryMiB: 64, Kernel: flatKernel(t, 5<<20)}
}

func TestVirtCheck(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"KVM":           func(c *Config) { c.Accel = KVM },
		"VGA":           func(c *Config) { c.VGA = true },
		"firmware":      func(c *Config) { c.Firmware = "/etc/passwd" },
		"property":      func(c *Config) { c.CPUProps = []string{"v=on,-machine=x"} },
		"empty":         func(c *Config) { c.CPUProps = []string{""} },
		"PC, firmware":  func(c *Config) { c.Machine, c.Firmware = Q35, OpenSBI },
		"PC, CPU":       func(c *Config) { c.Machine, c.CPUProps = MicroVM, []string{"v=on"} },
		"icount on two": func(c *Config) { c.Deterministic, c.CPUs = true, 2 },
	} {
		c := virtConfig(t)
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		change(c)
		if c.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if AMD64 != MicroVM.Arch() || AMD64 != Q35.Arch() || RISCV64 != Virt.Arch() ||
		DefaultMachine(RISCV64) != Virt || DefaultMachine(AMD64) != MicroVM {
		t.Error("machines and architectures")
	}
}

func TestVirtArgs(t *testing.T) {
	c := virtConfig(t)
	c.Archive, c.CPUs, c.Firmware, c.CPUProps = c.Kernel, 4, OpenSBI, []string{"v=on", "vlen=256"}
	ring, err := c.NewRing()
	if err != nil || ring == nil {
		t.Fatal(ring, err)
	}
	defer ring.Close()
	c.Ring = ring
	args, files := c.args(wires{out: os.Stdin, log: os.Stdin})
	s := strings.Join(args, " ")
	for _, want := range []string{
		"-machine virt,usb=off,memory-backend=ram", "-accel tcg,thread=multi", "-smp 4", "-bios default", "-m 64M",
		"-cpu rv64,", ",v=off,h=off,v=on,vlen=256 ", "-kernel /dev/fd/4", "-initrd /dev/fd/5", "-serial chardev:log",
		"-object memory-backend-file,id=ram,size=64M,mem-path=/dev/fd/3,share=on",
		"id=log,fd=6", "id=channel,fd=7", "-device pci-serial,chardev=channel", "-display none",
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %q in %s", want, s)
		}
	}
	if len(files) != 5 || strings.Contains(s, "isa") || strings.Contains(s, "-vga") || strings.Contains(s, "numa") {
		t.Errorf("%d files, %s", len(files), s)
	}
	c = virtConfig(t)
	c.Deterministic = true
	args, _ = c.args(wires{out: os.Stdin, log: os.Stdin})
	if s := strings.Join(args, " "); !strings.Contains(s, "-bios none") || !strings.Contains(s, "-machine virt,usb=off -accel tcg ") ||
		!strings.Contains(s, "-icount shift=0,sleep=off -rtc base=2026-01-01,clock=vm -seed 1") {
		t.Error(s)
	}
}

// TestVirtLayout holds that nothing lies over something else, whatever the sizes.
func TestVirtLayout(t *testing.T) {
	for _, firmware := range []string{"", NoFirmware, OpenSBI} {
		for mib := MinMemory; mib < 4096; mib = mib*9/8 + 1 {
			for kernel := uint64(4096); kernel < 48<<20; kernel = kernel*5/4 + 4096 {
				l := layoutVirt(mib, firmware, kernel)
				type part struct {
					name     string
					from, to uint64
				}
				archive := min(2<<20, l.tree-min(l.tree, l.archive))
				if !l.fits(mib, archive, 0) {
					continue
				}
				parts := []part{{"kernel", l.kernelEnd - kernel, l.kernelEnd}, {"archive", l.archive, l.archive + archive},
					{"devicetree", l.tree, l.tree + 64<<10}}
				if l.ring != 0 {
					parts = append(parts, part{"ring", l.ring, l.ring + channel.RingSize})
				}
				slices.SortFunc(parts, func(a, b part) int { return int(a.from>>12) - int(b.from>>12) })
				for i, p := range parts {
					if p.to > uint64(mib)<<20 || i > 0 && parts[i-1].to > p.from {
						t.Fatalf("%d MiB, kernel of %d bytes, %s: %+v", mib, kernel, firmware, parts)
					}
				}
				if l.ring%(64<<10) != 0 || firmware == OpenSBI && l.kernelEnd-kernel < firmwareSize {
					t.Fatalf("%+v", l)
				}
			}
		}
	}
	// What issue and documents say: a Go hello in 16 MiB, with a ring.
	if l := layoutVirt(16, NoFirmware, 5<<20); l.ring != 6<<20-channel.RingSize || l.archive != 8<<20 || l.tree != 14<<20 {
		t.Errorf("%+v", l)
	}
}

func TestVirtRoom(t *testing.T) {
	for _, c := range []struct {
		mib, archive int
		kernel       uint64
		fault        string
	}{
		{16, 1 << 20, 5 << 20, ""}, {16, 6 << 20, 5 << 20, ""},
		{16, 6<<20 + 1, 5 << 20, "(-m 17M)"},      // the devicetree is in the way
		{8, 1 << 20, 5 << 20, "(-m 10M)"},         // the kernel reaches the archive
		{64, 300 << 20, 5 << 20, "(-m 429M)"},     // the archive is 128 MiB up
		{64, 1 << 30, 5 << 20, "can't be loaded"}, // and ends below 1 GiB
	} {
		a, err := MemFileOf("archive", strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Truncate(int64(c.archive)); err != nil {
			t.Fatal(err)
		}
		m := &Config{Machine: Virt, Kernel: flatKernel(t, c.kernel), Archive: a, MemoryMiB: c.mib, CPUs: 1}
		err = m.checkRoom()
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%d MiB, archive of %d bytes: %v, want %q", c.mib, c.archive, err, c.fault)
		}
		_ = a.Close()
	}
}

func TestIsKernel(t *testing.T) {
	b := make([]byte, 64)
	if _, err := flatKernel(t, 1<<20).ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		arch  string
		image []byte
		want  bool
	}{
		{RISCV64, b, true}, {RISCV64, b[:63], false}, {RISCV64, nil, false}, {RISCV64, []byte("\x7fELF"), false},
		{AMD64, []byte("\x7fELF"), true}, {AMD64, b, false}, {AMD64, nil, false},
		{RISCV64, append(make([]byte, 24), b[24:]...), false}, // of no size
	} {
		if got := IsKernel(c.arch, c.image); got != c.want {
			t.Errorf("%s, %q: %v", c.arch, c.image, got)
		}
	}
}

// TestRing: reads and writes reach the ring's part of the file and no other.
func TestRing(t *testing.T) {
	for _, machine := range []Machine{MicroVM, Virt} {
		c := virtConfig(t)
		c.Machine = machine
		r, err := c.NewRing()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		size, err := r.file.Seek(0, io.SeekEnd)
		if err != nil || machine == Virt && (size != 64<<20 || r.Addr != virtRAM+uint64(r.at)) ||
			machine != Virt && (size != channel.RingSize || r.at != 0 || r.Addr != channel.RingAddr) {
			t.Fatalf("%s: %+v of %d bytes, %v", machine, r, size, err)
		}
		if n, err := r.WriteAt([]byte("ab"), channel.RingSize-2); n != 2 || err != nil {
			t.Error(n, err)
		}
		b := make([]byte, 2)
		if n, err := r.file.ReadAt(b, r.at+channel.RingSize-2); n != 2 || string(b) != "ab" {
			t.Error(n, err, b)
		}
		if n, err := r.ReadAt(b, channel.RingSize-2); n != 2 || err != nil || string(b) != "ab" {
			t.Error(n, err, b)
		}
		for _, off := range []int64{-1, channel.RingSize - 1, channel.RingSize} {
			if n, err := r.WriteAt(b, off); n != 0 || err == nil {
				t.Errorf("%d bytes written at %d", n, off)
			}
			if n, err := r.ReadAt(b, off); n != 0 || err == nil {
				t.Errorf("%d bytes read at %d", n, off)
			}
		}
		if err := r.file.Truncate(0); err != nil {
			t.Fatal(err)
		}
		if _, err := r.ReadAt(b, 0); err != io.EOF {
			t.Errorf("a file that was cut: %v", err)
		}
	}
	small := virtConfig(t)
	small.MemoryMiB = 8 // the kernel fills the lower half but for what is no place for a ring
	small.Kernel = flatKernel(t, 4<<20-100<<10)
	if r, err := small.NewRing(); r != nil || err != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// nonBlocking plays a QEMU that makes its descriptors non-blocking. It ends with 7
// if they are blocking a while later.
func nonBlocking() int {
	args := strings.Join(os.Args, " ")
	for _, id := range []string{"log", "channel"} {
		_, rest, _ := strings.Cut(args, "id="+id+",fd=")
		number, _, _ := strings.Cut(rest, " ")
		fd, err := strconv.Atoi(number)
		if err != nil {
			return 1
		}
		if err := unix.SetNonblock(fd, true); err != nil {
			return 2
		}
		blocking := false
		for range 500 {
			flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
			if err != nil {
				return 3
			}
			if blocking = flags&unix.O_NONBLOCK == 0; blocking {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if !blocking {
			return 4
		}
	}
	return 7
}

// TestKeepBlocking: a machine that counts instructions waits for its readers; its
// end is seen all the same.
func TestKeepBlocking(t *testing.T) {
	t.Setenv(roleVariable, "non-blocking")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := virtConfig(t)
	c.QEMU, c.Deterministic = self, true
	p, err := Start(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if b, err := io.ReadAll(p.Out); len(b) > 0 || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if e := p.Ending(); e.Status != 7 {
		t.Error(e)
	}
}
