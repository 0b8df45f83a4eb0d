// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"testing"

	"loam/test/vm/vmtest"
)

// Pieces of machine code. A call's number and arguments are set by mov.
func mov(register byte, v uint32) []byte { // MOV r32, imm32
	return []byte{0xb8 + register, byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}
}

const rax, rdx, rsi, rdi = 0, 2, 6, 7

var syscallCode = []byte{0x0f, 0x05}

// exitCode is exit_group(n).
func exitCode(n uint32) []byte { return join(mov(rax, 231), mov(rdi, n), syscallCode) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// killSelf is kill(getpid(), signal).
func killSelf(signal uint32) []byte {
	return join(mov(rax, 39), syscallCode,
		[]byte{0x89, 0xc7}, // MOV EDI, EAX
		mov(rax, 62), mov(rsi, signal), syscallCode)
}

// Programs that die of what no handler of theirs takes: 128+N, and a line that
// says why where the program itself is to blame. Behind each stands an exit
// with 99, which must not be reached.
func TestDeaths(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, c := range []struct {
		name string
		code []byte
		exit int
		why  string // in loam's line; empty: any or none
	}{
		{"read of nothing", []byte{0x48, 0x8b, 0x04, 0x25, 0x10, 0, 0, 0}, 139, "segmentation fault at 0x10"},
		{"write to its own code", []byte{0x48, 0x8d, 0x05, 0, 0, 0, 0, 0x88, 0x00}, 139, "segmentation fault"},
		{"read of the kernel", []byte{0x48, 0xb8, 0, 0x10, 0x20, 0x80, 0xff, 0xff, 0xff, 0xff, 0x8b, 0x00}, 139, "segmentation fault at 0xffffffff80201000"},
		{"jump to the kernel", []byte{0x48, 0xb8, 0, 0x10, 0x20, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xe0}, 139, "segmentation fault"},
		{"jump to nowhere", []byte{0x48, 0xb8, 0, 0, 0, 0, 0, 0x80, 0, 0, 0xff, 0xe0}, 139, "segmentation fault"},
		{"hlt", []byte{0xf4}, 139, "segmentation fault"},
		{"out to the exit device", join(mov(rax, 0x10), []byte{0xe7, 0xf4}), 139, "segmentation fault"},
		{"ud2", []byte{0x0f, 0x0b}, 132, "illegal instruction"},
		{"division by zero", []byte{0x31, 0xc9, 0xf7, 0xf1}, 136, "arithmetic exception"},
		{"int3", []byte{0xcc}, 133, "trap"},
		{"single step", []byte{0x68, 2, 1, 0, 0, 0x9d, 0x90, 0x90}, 133, "trap"},
		{"abort", killSelf(6), 134, ""},
		{"bus error sent", killSelf(7), 135, ""},
		{"kill", killSelf(9), 137, ""},
		{"terminate", killSelf(15), 143, ""},
		{"user signal", killSelf(10), 138, ""},
		{"alarm", killSelf(14), 142, ""},
		{"pipe", killSelf(13), 141, ""},
		{"last real-time signal", killSelf(64), 192, ""},
		{"forged signal frame", join(mov(rax, 15), syscallCode), 139, "segmentation fault"},
		{"stack pointer gone", []byte{0x31, 0xe4, 0x50}, 139, "segmentation fault"}, // XOR ESP,ESP; PUSH RAX
		{"recursion for ever", []byte{0xe8, 0xfb, 0xff, 0xff, 0xff}, 139, "segmentation fault"},
		{"exit", exitCode(7), 7, ""},
		{"exit of all bits", exitCode(0xffffffff), 255, ""},
		{"ignored signal", join(killSelf(17), exitCode(5)), 5, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, vmtest.Code(t, "prog", join(c.code, exitCode(99))))
			if c.why != "" {
				r.WantReason(t, c.exit, c.why)
			}
			r.WantStdout(t, c.exit, "")
		})
	}
}

// loop repeats a body for ever: JMP back over it.
func loop(body []byte) []byte { return join(body, []byte{0xeb, byte(-2 - len(body))}) }

// Programs that try to wear the kernel out: it goes on, and ends them in time.
func TestWearingOut(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	fresh := []byte{0x31, 0xff, 0xbe, 0, 0, 0x10, 0} // XOR EDI,EDI; MOV ESI, 1 MiB
	for _, c := range []struct {
		name string
		code []byte
		exit []int
	}{
		{"calls without end", loop(join(mov(rax, 39), syscallCode)), []int{124}},
		{"yields without end", loop(join(mov(rax, 24), syscallCode)), []int{124}},
		{"unknown calls without end", loop(join(mov(rax, 9999), syscallCode)), []int{124}},
		// mmap(0, 1 MiB, RW, PRIVATE|ANONYMOUS, -1, 0), R10 = 0x22, R8 = -1, R9 = 0
		{"mappings without end", join([]byte{0x41, 0xba, 0x22, 0, 0, 0, 0x49, 0x83, 0xc8, 0xff, 0x45, 0x31, 0xc9},
			loop(join(fresh, mov(rdx, 3), mov(rax, 9), syscallCode))), []int{124}},
		// the same, and touched: MOV [RAX], EAX (faults when mmap fails)
		{"touched mappings without end", join([]byte{0x41, 0xba, 0x22, 0, 0, 0, 0x49, 0x83, 0xc8, 0xff, 0x45, 0x31, 0xc9},
			loop(join(fresh, mov(rdx, 3), mov(rax, 9), syscallCode, []byte{0x89, 0x00}))), []int{137, 139}},
		// clone(a thread, stack 0x510000): both go on in the loop
		{"threads that make threads", loop(join(mov(rax, 56), mov(rdi, 0x50f00), mov(rsi, 0x510000), syscallCode)), []int{124}},
		{"pipes without end", loop(join(mov(rax, 22), mov(rdi, 0x500000), syscallCode)), []int{124}},
		{"signals to oneself without end", join(mov(rax, 39), syscallCode, []byte{0x89, 0xc3}, // MOV EBX, EAX
			loop(join(mov(rax, 62), []byte{0x89, 0xdf}, mov(rsi, 17), syscallCode))), []int{124}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := vmtest.Run(t, "-m", "64M", "--timeout", "4s", vmtest.Code(t, "prog", c.code))
			for _, want := range c.exit {
				if r.Code == want {
					return
				}
			}
			t.Errorf("want exit status %d\n%s", c.exit, r)
		})
	}
}

// A program's segments, as it gets them.
func TestSegments(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	// exit(data[0] + bss[last] + ...): each must be what the file says.
	sum := func(addrs ...uint32) []byte {
		code := []byte{0x31, 0xff} // XOR EDI, EDI
		for _, a := range addrs {
			// MOVZX EAX, BYTE [a]; ADD EDI, EAX
			code = append(code, 0x0f, 0xb6, 0x04, 0x25, byte(a), byte(a>>8), byte(a>>16), byte(a>>24), 0x01, 0xc7)
		}
		return join(code, mov(rax, 231), syscallCode)
	}
	data := bytes.Repeat([]byte{9}, 5000)
	e := vmtest.ELF{Segments: []vmtest.Segment{
		{Addr: 0x400000, Data: sum(0x600010, 0x601397, 0x601398, 0x602000, 0x6fffff)},
		// Begins in the middle of a page, ends in one: the rest is zero.
		{Addr: 0x600010, Flags: vmtest.R | vmtest.W, Data: data, Size: 0x100000 - 0x10},
	}}
	vmtest.Run(t, vmtest.File(t, "prog", e.Bytes())).WantStdout(t, 18, "")
	// As many segments as there may be.
	e = vmtest.ELF{Segments: []vmtest.Segment{{Addr: 0x400000}}}
	var at []uint32
	for i := range 15 {
		addr := 0x1000000 + uint64(i)*0x10000
		e.Segments = append(e.Segments, vmtest.Segment{Addr: addr, Flags: vmtest.R, Data: []byte{byte(i)}})
		at = append(at, uint32(addr))
	}
	e.Segments[0].Data = sum(at...)
	vmtest.Run(t, vmtest.File(t, "prog", e.Bytes())).WantStdout(t, 105, "")
}
