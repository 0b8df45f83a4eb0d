// SPDX-License-Identifier: Apache-2.0

// Package archive writes and reads the boot archive: the one file that the
// host hands to the kernel beside the kernel image, holding the program to
// start, its arguments and its environment.
//
// The format is cpio "newc" (the format of Linux's initramfs, described in
// Linux Documentation/driver-api/early-userspace/buffer-format.rst), so that
// ordinary tools list and unpack it. One thing is added within the format:
// the name of each file is padded with NUL bytes until the file's data starts
// at a multiple of PageSize from the start of the archive. A loader that puts
// the archive at a page boundary therefore puts each file's data at one, and
// the kernel maps program text straight from the archive without copying it.
//
// The page that holds the end of a file also holds the header of the next
// one. Whoever maps a file into a process must copy that last page and zero
// its tail; the archive can't spare it this, since cpio has no padding
// between entries.
//
// The reader allocates nothing, keeps no state and trusts nothing: an archive
// may come from a broken loader or be truncated by one. It is a function from
// an offset to the entry there, rather than an iterator object or an
// iter.Seq, because the kernel's callers may use neither closures nor
// interfaces.
//
// Rejected: tar (512-byte blocks, several dialects, no way to align data),
// a format of our own (no tools), the ELF module list of the boot protocol
// (each module would need its own loader support in every VMM).
package archive

// PageSize is the alignment of the data of each file, in bytes.
const PageSize = 4096

// MaxName is the longest name of a file, in bytes.
const MaxName = 255

const (
	magic      = "070701"
	trailer    = "TRAILER!!!"
	headerSize = 110
	modeFile   = 0o100444 // regular file, readable by all
)

// Positions of the hexadecimal fields that are looked at. Each is 8 digits.
const (
	fieldFileSize = 54
	fieldNameSize = 94
	fieldDigits   = 8
)
