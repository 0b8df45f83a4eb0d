// SPDX-License-Identifier: Apache-2.0

//go:build wasip1

package main

import "unsafe"

//go:wasmimport wasi_snapshot_preview1 path_open
//go:noescape
func pathOpen(dir int32, follow uint32, path unsafe.Pointer, n, how uint32, base, inheriting uint64, flags uint32, fd unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 path_unlink_file
//go:noescape
func pathUnlink(dir int32, path unsafe.Pointer, n uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_create_directory
//go:noescape
func pathMkdir(dir int32, path unsafe.Pointer, n uint32) uint32

//go:wasmimport wasi_snapshot_preview1 path_rename
//go:noescape
func pathRename(dir int32, path unsafe.Pointer, n uint32, toDir int32, to unsafe.Pointer, toN uint32) uint32

//go:wasmimport wasi_snapshot_preview1 sock_accept
//go:noescape
func sockAccept(fd int32, flags uint32, result unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_recv
//go:noescape
func sockRecv(fd int32, vectors unsafe.Pointer, n, flags uint32, result, out unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 sock_shutdown
//go:noescape
func sockShutdown(fd int32, how uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_renumber
func renumber(from, to uint32) uint32

//go:wasmimport wasi_snapshot_preview1 fd_write
//go:noescape
func fdWrite(fd int32, vectors, n uint32, result unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 poll_oneoff
//go:noescape
func pollOneoff(in, out unsafe.Pointer, n uint32, result unsafe.Pointer) uint32

//go:wasmimport wasi_snapshot_preview1 random_get
//go:noescape
func randomGet(p unsafe.Pointer, n uint32) uint32

// text is where a text is, and how long it is.
func text(s string) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.StringData(s)), uint32(len(s))
}

// at is where a number is.
func at(n *uint32) unsafe.Pointer { return unsafe.Pointer(n) }
