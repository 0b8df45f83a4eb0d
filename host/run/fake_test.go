// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"loam/abi/channel"
	"loam/abi/channel/ringtest"
	"loam/abi/channel/stream"
)

// The test binary stands in for QEMU when this variable names a scenario.
const fakeVariable = "LOAM_TEST_FAKE_QEMU"

func TestMain(m *testing.M) {
	if s := os.Getenv(fakeVariable); s != "" {
		os.Exit(fakeMain(s))
	}
	os.Exit(m.Run())
}

// fake is the machine that a scenario plays.
type fake struct {
	args         string
	virt         bool // it is one for riscv64
	out, in, log *os.File
	w            *stream.Writer
	ring         *ringtest.Guest // nil: none was offered
}

func fakeMain(scenario string) int {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println("QEMU emulator version 9.9.9")
		return 0
	}
	f := &fake{args: strings.Join(os.Args[1:], " ")}
	f.log = f.chardev("log")
	if f.virt = strings.Contains(f.args, "-machine virt"); f.virt {
		f.out = f.chardev("channel")
		f.in = f.out
	} else {
		f.out, f.in = f.chardev("out"), f.chardev("in")
	}
	f.w = stream.NewWriter(f.out)
	f.openRing()
	switch probe := strings.Contains(f.args, "-m 16M"); {
	case probe && f.virt:
		_, _ = f.log.WriteString("RISC")
		return 33
	case probe:
		_, _ = f.out.WriteString("LONG")
		return 33
	}
	return scenarios[scenario](f)
}

func (f *fake) chardev(id string) *os.File {
	_, rest, _ := strings.Cut(f.args, "socket,id="+id+",fd=")
	number, _, _ := strings.Cut(rest, " ")
	fd, err := strconv.Atoi(number)
	if err != nil {
		panic("no chardev " + id)
	}
	return os.NewFile(uintptr(fd), id)
}

// openRing finds the memory shared with loam, as QEMU does: by its path.
func (f *fake) openRing() {
	id, told := "id=ring,size=320K,", " ring=0x1b0000"
	if f.virt {
		id, told = "id=ram,size=512M,", " ring=0x805b0000"
	}
	_, rest, offered := strings.Cut(f.args, id+"mem-path=")
	if offered != strings.Contains(f.args, told) || offered != strings.Contains(f.args, " ring=") {
		panic("a ring that only one of QEMU and the kernel is told of")
	}
	if !offered {
		return
	}
	path, _, _ := strings.Cut(rest, ",")
	area, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	f.ring = &ringtest.Guest{Area: area, Out: f.out}
	if f.virt {
		f.ring.Area = inMemory{area, 0x5b0000}
	}
}

// inMemory is the ring in a file that is all of the memory.
type inMemory struct {
	*os.File
	at int64
}

func (m inMemory) ReadAt(p []byte, off int64) (int, error)  { return m.File.ReadAt(p, m.at+off) }
func (m inMemory) WriteAt(p []byte, off int64) (int, error) { return m.File.WriteAt(p, m.at+off) }

func (f *fake) send(t channel.Type, payload string) { _ = f.w.Write(t, []byte(payload)) }

func (f *fake) raw(b ...byte) { _, _ = f.out.Write(b) }

func (f *fake) hello() {
	var b [channel.HelloSize]byte
	channel.PutHello(&b, channel.Version)
	f.send(channel.Hello, string(b[:]))
}

// helloRing says that the guest uses the ring.
func (f *fake) helloRing() {
	var b [channel.HelloSize]byte
	channel.PutHello(&b, channel.VersionRing)
	f.send(channel.Hello, string(b[:]))
}

// inRing sends a frame through the ring.
func (f *fake) inRing(t channel.Type, payload string) { _ = f.ring.Write(t, []byte(payload)) }

func (f *fake) exit(k channel.Kind, value uint32, reason string) int {
	var b [channel.ExitSize]byte
	channel.PutExit(&b, k, value)
	f.send(channel.Exit, string(b[:])+reason)
	return 33
}

func hang() int {
	time.Sleep(time.Minute)
	return 99
}

func exits(k channel.Kind, value uint32, reason string) func(*fake) int {
	return func(f *fake) int {
		f.hello()
		return f.exit(k, value, reason)
	}
}

// afterHello says hello, sends raw bytes and ends with a status.
func afterHello(status int, raw ...byte) func(*fake) int {
	return func(f *fake) int {
		f.hello()
		f.raw(raw...)
		return status
	}
}

var scenarios = map[string]func(*fake) int{
	"exit 0":   exits(channel.Exited, 0, ""),
	"exit 7":   exits(channel.Exited, 7, ""),
	"exit 255": exits(channel.Exited, 255, ""),
	"trap":     exits(channel.Exited, 134, ""),
	"segv":     exits(channel.Signalled, 11, ""),
	"killed":   exits(channel.Signalled, 9, "out of memory\x1b[2J"),
	"refused":  exits(channel.NotStarted, 8, "segments overlap"),
	"no room":  exits(channel.NotStarted, uint32(syscall.ENOMEM), "no memory for its text"),
	"no quota": exits(channel.NotStarted, 122, "its limit is too low"),    // EDQUOT
	"no slot":  exits(channel.NotStarted, 11, "no memory for its thread"), // Linux's EAGAIN
	"streams": func(f *fake) int {
		f.hello()
		f.send(channel.Stdout, "out\x00\xff\r\n")
		f.send(channel.Stderr, "err\x1b[1m")
		f.send(channel.Stdout, "put")
		f.send(channel.Stats, "calls 12 count\n")
		f.send(channel.Notice, "watch out\x1b]0;title\x07")
		return f.exit(channel.Exited, 0, "")
	},
	"ring streams": func(f *fake) int { // both ways, in one order
		f.helloRing()
		f.inRing(channel.Stdout, "out\x00\xff\r\n")
		f.send(channel.Stdout, "pu")
		f.inRing(channel.Stderr, "err\x1b[1m")
		f.inRing(channel.Stdout, "t")
		f.inRing(channel.Stats, "calls 12 count\n")
		f.inRing(channel.Notice, "watch out\x1b]0;title\x07")
		f.inRing(channel.Exit, strings.Repeat("\x00", channel.ExitSize))
		return 33
	},
	"last words": func(f *fake) int { // much output right before the end
		f.hello()
		for range 64 {
			f.send(channel.Stdout, strings.Repeat("x", channel.MaxPayload))
		}
		return f.exit(channel.Exited, 3, "")
	},
	"panic": func(f *fake) int {
		_, _ = f.log.WriteString("boot ok\npanic: the kernel's end\x1b[31m\n")
		f.hello()
		f.raw(2, 100, 0, 0, 'h', 'a', 'l', 'f')
		return 35
	},
	"no memory": func(f *fake) int {
		_, _ = f.log.WriteString("boot ok\nloam: kernel panic: no memory for page tables\nCPU 0\n")
		return 35
	},
	"early panic": func(f *fake) int {
		_, _ = f.log.WriteString("panic: early\n")
		return 35
	},
	"no exit frame": afterHello(33),
	"reset":         afterHello(0),
	"qemu error": func(*fake) int {
		fmt.Fprintln(os.Stderr, "qemu-system-x86_64: no luck today")
		return 1
	},
	"few CPUs": func(*fake) int {
		fmt.Fprintln(os.Stderr, "qemu-system-x86_64: Invalid SMP CPUs 64. The max CPUs supported by machine 'microvm' is 2")
		return 1
	},
	"qemu killed": func(f *fake) int {
		f.hello()
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		return hang()
	},
	"first frame": func(f *fake) int { f.send(channel.Stdout, "x"); return hang() },
	"version":     func(f *fake) int { f.send(channel.Hello, "\x03\x00\x00\x00"); return hang() },
	"not offered": func(f *fake) int { f.helloRing(); return hang() },
	"ring in v1":  func(f *fake) int { f.hello(); f.raw(0x82, 1, 0, 0); return hang() },
	"ring length": func(f *fake) int { f.helloRing(); f.raw(0x82, 1, 0, 1); return hang() },
	"ring exit":   func(f *fake) int { f.helloRing(); f.inRing(channel.Exit, "12345678"); return hang() },
	"ring cut": func(f *fake) int {
		f.helloRing()
		_ = f.ring.Area.(interface{ Truncate(int64) error }).Truncate(0)
		f.raw(0x82, 1, 0, 0)
		return hang()
	},
	"second hello": func(f *fake) int { f.hello(); f.hello(); return hang() },
	"bad type":     func(f *fake) int { f.hello(); f.raw(99, 0, 0, 0); return hang() },
	"bad length":   func(f *fake) int { f.hello(); f.raw(2, 0, 0, 0xff); return hang() },
	"bad exit":     func(f *fake) int { f.hello(); f.raw(4, 8, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0); return hang() },
	"exit 256":     func(f *fake) int { f.hello(); f.raw(4, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0); return hang() },
	"closes out":   func(f *fake) int { f.hello(); _ = f.out.Close(); return hang() },
	"hang":         func(f *fake) int { f.hello(); f.send(channel.Stdout, "up"); return hang() },
	"mute":         func(*fake) int { return hang() },
	"kvm error": func(f *fake) int {
		f.hello()
		fmt.Fprintln(os.Stderr, "KVM internal error. Suberror: 1")
		return hang()
	},
	"kvm mute": func(f *fake) int { // works, but not with KVM
		if strings.Contains(f.args, "-accel kvm") {
			return hang()
		}
		return exits(channel.Exited, 5, "")(f)
	},
	"flood": func(f *fake) int { // tells in the log how far it came
		f.hello()
		b := strings.Repeat("y", channel.MaxPayload)
		for i := 0; ; i++ {
			f.send(channel.Stdout, b)
			fmt.Fprintf(f.log, "sent %d\n", i)
		}
	},
	"ring flood": func(f *fake) int {
		f.helloRing()
		b := strings.Repeat("y", 8*channel.SlotSize)
		for i := 0; ; i++ {
			f.inRing(channel.Stdout, b)
			fmt.Fprintf(f.log, "sent %d\n", i)
		}
	},
	"map": func(f *fake) int { // one in pieces, part of it in the ring
		f.helloRing()
		f.send(channel.MemoryMap, "\x01\x01"+strings.Repeat("\x00", 16))
		f.inRing(channel.MemoryMap, "\x02\x01user")
		f.send(channel.Stdout, "between")
		f.inRing(channel.MemoryMap, "\x03\x01\x00\x00\x00\x00\x00\x01\x00\x05\x00\x00\x00\x00\x01\x03\x00")
		f.send(channel.MemoryMap, "\x04\x02"+strings.Repeat("\x00", 7))
		return f.exit(channel.Exited, 3, "")
	},
	"half a map": func(f *fake) int {
		f.hello()
		f.send(channel.MemoryMap, "\x01\x01"+strings.Repeat("\x00", 16))
		return f.exit(channel.Exited, 0, "")
	},
	"bad map": func(f *fake) int {
		f.hello()
		f.send(channel.MemoryMap, "\x01\x07\x1b[2J")
		return f.exit(channel.Exited, 0, "")
	},
	"empty map": func(f *fake) int { f.hello(); f.send(channel.MemoryMap, ""); return hang() },
	"notices": func(f *fake) int {
		f.hello()
		for range 1000 {
			f.send(channel.Notice, "again")
			f.send(channel.Stats, strings.Repeat("s", channel.MaxPayload))
		}
		return f.exit(channel.Exited, 0, "")
	},
	"echo": func(f *fake) int {
		f.hello()
		r := stream.NewReader(f.in, channel.ToGuest)
		for {
			m, err := r.Next()
			if err != nil {
				return f.exit(channel.Exited, 1, err.Error())
			}
			if m.Type == channel.StdinEOF {
				return f.exit(channel.Exited, 0, "")
			}
			f.send(channel.Stdout, string(m.Payload))
		}
	},
	"ring echo": func(f *fake) int {
		f.helloRing()
		h := make([]byte, channel.HeaderSize)
		for {
			if _, err := io.ReadFull(f.in, h); err != nil {
				return f.exit(channel.Exited, 1, err.Error())
			}
			switch channel.Type(h[0]) {
			case channel.Stdin | channel.InRing:
				b, err := f.ring.Read(int(h[1]) | int(h[2])<<8 | int(h[3])<<16)
				if err != nil {
					return f.exit(channel.Exited, 2, err.Error())
				}
				f.inRing(channel.Stdout, string(b))
			case channel.WantRoom: // everything before is out
				_ = f.ring.Header(channel.Room, 0)
			case channel.StdinEOF:
				return f.exit(channel.Exited, 0, "")
			default:
				return f.exit(channel.Exited, 3, "unknown frame")
			}
		}
	},
	"ring deaf": func(f *fake) int { // takes no input, but says that it has
		f.helloRing()
		for range 300 {
			_ = f.ring.Header(channel.Room, 0)
			time.Sleep(time.Millisecond)
		}
		return f.exit(channel.Exited, 0, "")
	},
	"ring liar": func(f *fake) int { // takes nothing and counts nonsense
		f.helloRing()
		for i := range 300 {
			_ = f.ring.Tell(uint8(i * 37))
			_ = f.ring.Header(channel.Room, 0)
			time.Sleep(time.Millisecond)
		}
		return f.exit(channel.Exited, 0, "")
	},
	"deaf": func(f *fake) int { // reads no input, ends after a while
		f.hello()
		time.Sleep(300 * time.Millisecond)
		return f.exit(channel.Exited, 0, "")
	},
	"command line": func(f *fake) int {
		f.hello()
		f.send(channel.Stdout, f.args)
		return f.exit(channel.Exited, 0, "")
	},
	"archive": func(f *fake) int { // shows the boot archive and the kernel
		f.hello()
		for _, flag := range []string{"-initrd ", "-kernel "} {
			_, rest, _ := strings.Cut(f.args, flag)
			path, _, _ := strings.Cut(rest, " ")
			b, err := os.ReadFile(path)
			if err != nil {
				return f.exit(channel.Exited, 1, err.Error())
			}
			for r := bytes.NewReader(b); r.Len() > 0; {
				chunk, _ := io.ReadAll(io.LimitReader(r, channel.MaxPayload))
				f.send(channel.Stdout, string(chunk))
			}
		}
		return f.exit(channel.Exited, 0, "")
	},
}
