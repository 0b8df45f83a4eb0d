// SPDX-License-Identifier: Apache-2.0

// Package program is what execve(2) makes of a file: which pieces of memory a process gets, what lies
// on its first stack, and which interpreter a script names. It asks nobody for anything; package
// linux carries it out.
//
// What is a program, package loader says, as for the kernel. Text and data are mapped from one memory object that
// has the file as it is, and behind that a page for each segment that ends within one and goes on
// with zeroes: so all processes that run a file share what they don't write.
//
// Sources: Linux fs/binfmt_elf.c and fs/binfmt_script.c; System V ABI, AMD64 supplement, 3.4.
package program
