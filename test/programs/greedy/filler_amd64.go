// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

// filler is a program: it maps as many pages as its first argument says at
// 0x10000000, small ones, touches them, signals the notification that is its second,
// and waits for ever.
var filler = []byte{
	0x49, 0x89, 0xfc, // mov r12, rdi
	0x49, 0x89, 0xf5, // mov r13, rsi
	0xb8, 9, 0, 0, 0, // mov eax, mmap
	0xbf, 0, 0, 0, 0x10, // mov edi, 0x10000000
	0x4c, 0x89, 0xe6, // mov rsi, r12
	0x48, 0xc1, 0xe6, 12, // shl rsi, 12
	0xba, 3, 0, 0, 0, // mov edx, PROT_READ|PROT_WRITE
	0x41, 0xba, 0x32, 0, 0, 0, // mov r10d, MAP_PRIVATE|MAP_ANON|MAP_FIXED
	0x49, 0xc7, 0xc0, 0xff, 0xff, 0xff, 0xff, // mov r8, -1
	0x45, 0x31, 0xc9, // xor r9d, r9d
	0x0f, 0x05, // syscall
	0x48, 0x89, 0xc7, // mov rdi, rax
	0xba, 15, 0, 0, 0, // mov edx, MADV_NOHUGEPAGE
	0xb8, 28, 0, 0, 0, // mov eax, madvise
	0x0f, 0x05, // syscall
	0xb8, 0, 0, 0, 0x10, // mov eax, 0x10000000
	0xc6, 0x00, 1, // mov byte ptr [rax], 1
	0x48, 0x05, 0, 0x10, 0, 0, // add rax, 4096
	0x49, 0xff, 0xcc, // dec r12
	0x75, 0xf2, // jnz, to the mov
	0xb8, 7, 0x10, 0, 0, // mov eax, notification_signal
	0x4c, 0x89, 0xef, // mov rdi, r13
	0xbe, 1, 0, 0, 0, // mov esi, 1
	0x0f, 0x05, // syscall
	0xb8, 34, 0, 0, 0, // mov eax, pause
	0x0f, 0x05, // syscall
	0xeb, 0xf7, // jmp, to the mov
}
