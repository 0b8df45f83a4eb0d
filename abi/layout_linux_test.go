// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// field reads an integer field of a C structure as x/sys declares it, out of our
// encoding of the same structure.
func field(t *testing.T, b []byte, structure any, name string) uint64 {
	t.Helper()
	typ := reflect.TypeOf(structure)
	if int(typ.Size()) != len(b) {
		t.Errorf("%v is %d bytes, ours %d", typ, typ.Size(), len(b))
	}
	f, ok := typ.FieldByName(name)
	if !ok {
		t.Fatalf("%v has no %s", typ, name)
	}
	p := b[f.Offset:]
	switch f.Type.Size() {
	case 2:
		return uint64(binary.LittleEndian.Uint16(p))
	case 4:
		return uint64(binary.LittleEndian.Uint32(p))
	case 8:
		return binary.LittleEndian.Uint64(p)
	}
	t.Fatalf("%v.%s has %d bytes", typ, name, f.Type.Size())
	return 0
}

// dirty gives a buffer that shows bytes nobody writes.
func dirty(n int) []byte { return bytes.Repeat([]byte{0xee}, n) }

// check compares fields, and that every byte was written: with all fields zero
// the buffer is zero.
func check(t *testing.T, structure any, b, zero []byte, want map[string]uint64) {
	t.Helper()
	for name, w := range want {
		if got := field(t, b, structure, name); got != w {
			t.Errorf("%T.%s = %#x, want %#x", structure, name, got, w)
		}
	}
	if len(bytes.Trim(zero, "\x00")) != 0 {
		t.Errorf("%T: bytes left unwritten: %x", structure, zero)
	}
}

func TestLayouts(t *testing.T) {
	b, z := dirty(TimespecSize), dirty(TimespecSize)
	Timespec{1, 2}.Put(b)
	Timespec{}.Put(z)
	check(t, unix.Timespec{}, b, z, map[string]uint64{"Sec": 1, "Nsec": 2})

	b, z = dirty(TimevalSize), dirty(TimevalSize)
	Timeval{1, 2}.Put(b)
	Timeval{}.Put(z)
	check(t, unix.Timeval{}, b, z, map[string]uint64{"Sec": 1, "Usec": 2})

	b, z = dirty(RlimitSize), dirty(RlimitSize)
	Rlimit{3, 4}.Put(b)
	Rlimit{}.Put(z)
	check(t, unix.Rlimit{}, b, z, map[string]uint64{"Cur": 3, "Max": 4})

	b, z = dirty(PollFDSize), dirty(PollFDSize)
	PollFD{7, 8, 9}.Put(b)
	PollFD{}.Put(z)
	check(t, unix.PollFd{}, b, z, map[string]uint64{"Fd": 7, "Events": 8, "Revents": 9})

	b, z = dirty(WinsizeSize), dirty(WinsizeSize)
	Winsize{25, 80}.Put(b)
	Winsize{}.Put(z)
	check(t, unix.Winsize{}, b, z, map[string]uint64{"Row": 25, "Col": 80, "Xpixel": 0})

	b, z = dirty(SysinfoSize), dirty(SysinfoSize)
	(&Sysinfo{1, [3]uint64{2, 3, 4}, 5, 6, 7, 8, 9, 10}).Put(b)
	(&Sysinfo{}).Put(z)
	check(t, unix.Sysinfo_t{}, b, z, map[string]uint64{"Uptime": 1, "Totalram": 5, "Freeram": 6, "Sharedram": 7, "Bufferram": 8, "Procs": 9, "Unit": 10})

	b, z = dirty(RusageSize), dirty(RusageSize)
	(&Rusage{Timeval{}, Timeval{}, 1, 2, 3, 4, 5}).Put(b)
	(&Rusage{}).Put(z)
	check(t, unix.Rusage{}, b, z, map[string]uint64{"Maxrss": 1, "Minflt": 2, "Majflt": 3, "Nvcsw": 4, "Nivcsw": 5})

	b, z = dirty(SiginfoSize), dirty(SiginfoSize)
	Siginfo{SIGSEGV, 2, 3, 4, 5}.Put(b)
	Siginfo{}.Put(z)
	check(t, unix.Siginfo{}, b, z, map[string]uint64{"Signo": 11, "Errno": 2, "Code": 3})
}

func TestLayoutsOfThisHost(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "riscv64" {
		t.Skip("x/sys describes the host's layouts")
	}
	b, z := dirty(StatSize), dirty(StatSize)
	PutStat(b, &Stat{Dev: 1, Ino: 2, Nlink: 3, Mode: 4, UID: 5, GID: 6, Rdev: 7, Size: 8, Blksize: 9, Blocks: 10})
	PutStat(z, &Stat{})
	check(t, unix.Stat_t{}, b, z, map[string]uint64{
		"Dev": 1, "Ino": 2, "Nlink": 3, "Mode": 4, "Uid": 5, "Gid": 6, "Rdev": 7, "Size": 8, "Blksize": 9, "Blocks": 10})
	for i, name := range []string{"Atim", "Mtim", "Ctim"} {
		f, _ := reflect.TypeOf(unix.Stat_t{}).FieldByName(name)
		if int(f.Offset) != 72+16*i {
			t.Errorf("%s at %d", name, f.Offset)
		}
	}
	if size := reflect.TypeOf(unix.EpollEvent{}).Size(); size != EpollEventSize {
		t.Errorf("epoll_event has %d bytes, ours %d", size, EpollEventSize)
	}
	b = dirty(EpollEventSize)
	PutEpollEvent(b, EpollEvent{1, 2 | 3<<32})
	off := EpollEventSize - 8
	if binary.LittleEndian.Uint32(b) != 1 || binary.LittleEndian.Uint64(b[off:]) != 2|3<<32 {
		t.Errorf("epoll_event %x", b)
	}
	f, _ := reflect.TypeOf(unix.EpollEvent{}).FieldByName("Fd")
	if int(f.Offset) != off {
		t.Errorf("epoll_event's data at %d, ours at %d", f.Offset, off)
	}
}

func TestUtsname(t *testing.T) {
	var u unix.Utsname
	if size := reflect.TypeOf(u).Size(); size != UtsnameSize {
		t.Errorf("utsname has %d bytes, ours %d", size, UtsnameSize)
	}
	b := dirty(UtsnameSize)
	long := string(bytes.Repeat([]byte("x"), 100))
	Utsname{"Linux", long, "6", "#1", "x86_64", ""}.Put(b)
	cstr := func(i int) string {
		s, _, ok := bytes.Cut(b[i*UtsLen:(i+1)*UtsLen], []byte{0})
		if !ok {
			t.Errorf("field %d has no end", i)
		}
		return string(s)
	}
	for i, want := range []string{"Linux", long[:64], "6", "#1", "x86_64", ""} {
		if got := cstr(i); got != want {
			t.Errorf("field %d is %q, want %q", i, got, want)
		}
	}
}

// TestRegisters: the first part of the registers is what ptrace calls them, on
// amd64 up to SS but for the place of fs_base and gs_base.
func TestRegisters(t *testing.T) {
	theirs := reflect.TypeOf(unix.PtraceRegs{})
	switch runtime.GOARCH {
	case "amd64":
		ours := reflect.TypeOf(Registers{})
		for i := range ours.NumField() {
			o, p := ours.Field(i), theirs.Field(i)
			if o.Offset != p.Offset || len(o.Name) < 2 {
				t.Errorf("%s at %d, %s at %d", o.Name, o.Offset, p.Name, p.Offset)
			}
		}
	case "riscv64":
		if size := reflect.TypeOf(RegistersRISCV64{}).Size(); size != theirs.Size() {
			t.Errorf("%d bytes, ours %d", theirs.Size(), size)
		}
		for name, i := range map[string]uintptr{"Pc": 0, "Ra": 1, "Sp": 2, "Gp": 3, "Tp": 4, "S0": 8, "A0": 10, "A7": 17, "S11": 27, "T6": 31} {
			if f, _ := theirs.FieldByName(name); f.Offset != 8*i {
				t.Errorf("%s at %d, ours at %d", name, f.Offset, 8*i)
			}
		}
	default:
		t.Skip("x/sys describes the host's registers")
	}
}
