// SPDX-License-Identifier: Apache-2.0

package vm

// Pieces of machine code. A call's number and arguments are set by mov.
func mov(register byte, v uint32) []byte { // MOV r32, imm32
	return []byte{0xb8 + register, byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}
}

const rax, rdx, rsi, rdi = 0, 2, 6, 7

var syscallCode = []byte{0x0f, 0x05}

func exitAMD64(n uint32) []byte { return join(mov(rax, 231), mov(rdi, n), syscallCode) }

// killAMD64 is kill(getpid(), signal).
func killAMD64(signal uint32) []byte {
	return join(mov(rax, 39), syscallCode,
		[]byte{0x89, 0xc7}, // MOV EDI, EAX
		mov(rax, 62), mov(rsi, signal), syscallCode)
}

// loopAMD64 repeats a body for ever: JMP back over it.
func loopAMD64(body []byte) []byte { return join(body, []byte{0xeb, byte(-2 - len(body))}) }

// sumAMD64 is exit(the sum of the bytes at some addresses).
func sumAMD64(addrs ...uint32) []byte {
	code := []byte{0x31, 0xff} // XOR EDI, EDI
	for _, a := range addrs {
		// MOVZX EAX, BYTE [a]; ADD EDI, EAX
		code = append(code, 0x0f, 0xb6, 0x04, 0x25, byte(a), byte(a>>8), byte(a>>16), byte(a>>24), 0x01, 0xc7)
	}
	return join(code, mov(rax, 231), syscallCode)
}

var amd64Code = code{
	exit:    exitAMD64,
	sum:     sumAMD64,
	where:   whereAMD64(),
	deaths:  deathsAMD64,
	wears:   wearsAMD64(),
	escapes: escapesAMD64(),
}

func whereAMD64() []byte {
	push := []byte{0x50} // PUSH RAX
	return join(
		mov(rax, 9), mov(rdi, 0), mov(rsi, 4096), mov(rdx, 3), // mmap
		[]byte{0x41, 0xba, 0x22, 0, 0, 0},                // MOV R10D, MAP_PRIVATE|MAP_ANONYMOUS
		[]byte{0x49, 0x83, 0xc8, 0xff, 0x45, 0x31, 0xc9}, // OR R8, -1; XOR R9D, R9D
		syscallCode, push,
		mov(rax, 12), mov(rdi, 0), syscallCode, push, // brk(0)
		[]byte{0x48, 0x89, 0xe0}, push, // MOV RAX, RSP
		[]byte{0x48, 0x8d, 0x05, 0, 0, 0, 0}, push, // LEA RAX, [RIP]
		[]byte{0x48, 0x89, 0xe6}, mov(rax, 1), mov(rdi, 1), mov(rdx, 32), syscallCode, // write
		exitAMD64(0))
}

var deathsAMD64 = []death{
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
	{"abort", killAMD64(6), 134, ""},
	{"bus error sent", killAMD64(7), 135, ""},
	{"kill", killAMD64(9), 137, ""},
	{"terminate", killAMD64(15), 143, ""},
	{"user signal", killAMD64(10), 138, ""},
	{"alarm", killAMD64(14), 142, ""},
	{"pipe", killAMD64(13), 141, ""},
	{"last real-time signal", killAMD64(64), 192, ""},
	{"forged signal frame", join(mov(rax, 15), syscallCode), 139, "segmentation fault"},
	{"stack pointer gone", []byte{0x31, 0xe4, 0x50}, 139, "segmentation fault"}, // XOR ESP,ESP; PUSH RAX
	{"recursion for ever", []byte{0xe8, 0xfb, 0xff, 0xff, 0xff}, 139, "segmentation fault"},
	{"exit", exitAMD64(7), 7, ""},
	{"exit of all bits", exitAMD64(0xffffffff), 255, ""},
	{"ignored signal", join(killAMD64(17), exitAMD64(5)), 5, ""},
}

func wearsAMD64() []wear {
	fresh := []byte{0x31, 0xff, 0xbe, 0, 0, 0x10, 0} // XOR EDI,EDI; MOV ESI, 1 MiB
	return []wear{
		{"calls without end", loopAMD64(join(mov(rax, 39), syscallCode)), []int{124}},
		{"yields without end", loopAMD64(join(mov(rax, 24), syscallCode)), []int{124}},
		{"unknown calls without end", loopAMD64(join(mov(rax, 9999), syscallCode)), []int{124}},
		// mmap(0, 1 MiB, RW, PRIVATE|ANONYMOUS, -1, 0), R10 = 0x22, R8 = -1, R9 = 0
		{"mappings without end", join([]byte{0x41, 0xba, 0x22, 0, 0, 0, 0x49, 0x83, 0xc8, 0xff, 0x45, 0x31, 0xc9},
			loopAMD64(join(fresh, mov(rdx, 3), mov(rax, 9), syscallCode))), []int{124}},
		// the same, and touched: MOV [RAX], EAX (faults when mmap fails)
		{"touched mappings without end", join([]byte{0x41, 0xba, 0x22, 0, 0, 0, 0x49, 0x83, 0xc8, 0xff, 0x45, 0x31, 0xc9},
			loopAMD64(join(fresh, mov(rdx, 3), mov(rax, 9), syscallCode, []byte{0x89, 0x00}))), []int{137, 139}},
		// clone(a thread, stack 0x510000): both go on in the loop
		{"threads that make threads", loopAMD64(join(mov(rax, 56), mov(rdi, 0x50f00), mov(rsi, 0x510000), syscallCode)), []int{124}},
		{"pipes without end", loopAMD64(join(mov(rax, 22), mov(rdi, 0x500000), syscallCode)), []int{124}},
		{"signals to oneself without end", join(mov(rax, 39), syscallCode, []byte{0x89, 0xc3}, // MOV EBX, EAX
			loopAMD64(join(mov(rax, 62), []byte{0x89, 0xdf}, mov(rsi, 17), syscallCode))), []int{124}},
	}
}

func escapesAMD64() []escape {
	// A read maps a page of the file, which a write has to copy.
	readData := []byte{0x8a, 0x04, 0x25, 0, 0, 0x50, 0}                      // MOV AL, [0x500000]
	alarm := join([]byte{0x68, 0x50, 0xc3, 0, 0, 0x6a, 0, 0x6a, 0, 0x6a, 0}, // PUSH 50000, 0, 0, 0
		mov(rdi, 0), []byte{0x48, 0x89, 0xe6}, mov(rdx, 0), mov(rax, 38), syscallCode) // setitimer
	// The code goes on at 0x400020.
	farJump := join(
		[]byte{0xc7, 0x04, 0x25, 0, 0, 0x50, 0, 0x20, 0, 0x40, 0},  // MOV DWORD [0x500000], 0x400020
		[]byte{0x66, 0xc7, 0x04, 0x25, 4, 0, 0x50, 0, 0x18 | 3, 0}, // MOV WORD [0x500004], 0x1b
		[]byte{0xff, 0x2c, 0x25, 0, 0, 0x50, 0},                    // JMP FAR [0x500000]
	)
	return []escape{
		// The kernel's write at the thread's end left pages to flush behind,
		// and no space to flush.
		{"exit copies a page", join(readData,
			mov(rax, 218), mov(rdi, 0x500008), syscallCode, // set_tid_address
			exitAMD64(7)), 7},
		{"exit of the thread copies a page", join(readData,
			mov(rax, 218), mov(rdi, 0x500008), syscallCode,
			mov(rax, 60), mov(rdi, 8), syscallCode), 8},
		// The same from idle: the remainder of a sleep that a signal ends.
		{"alarm copies a page", join(readData, alarm,
			[]byte{0x6a, 0, 0x6a, 10, 0x48, 0x89, 0xe7},   // 10 s
			mov(rsi, 0x500008), mov(rax, 35), syscallCode, // nanosleep
			exitAMD64(99)), 142},
		// A write that an eventfd has no room for was tried again and again
		// inside the kernel, which then didn't see the alarm.
		{"eventfd overflows", join(alarm,
			mov(rdi, 1), mov(rsi, 0), mov(rax, 290), syscallCode, // eventfd2
			[]byte{0x89, 0xc7, 0x6a, 0xfe, 0x48, 0x89, 0xe6}, // of 2^64-2
			mov(rdx, 8), mov(rax, 1), syscallCode, exitAMD64(99)), 142},
		// SYSCALL in 32-bit code enters the kernel through CSTAR.
		{"far jump to 32-bit code", join(farJump, make([]byte, 0x20-len(farJump)), syscallCode, exitAMD64(99)), 139},
		// QEMU reads the stack of a far return as the kernel would, which SMAP
		// forbids; the fault came again and again.
		{"far return to 32-bit code", join(
			[]byte{0x6a, 0x18 | 3, 0x68, 0x20, 0, 0x40, 0, 0x48, 0xcb}, make([]byte, 0x20-9), syscallCode), 139},
	}
}
