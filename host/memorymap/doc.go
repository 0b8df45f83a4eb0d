// SPDX-License-Identifier: Apache-2.0

// Package memorymap takes the map of a machine's physical memory that the kernel
// sends, and draws it.
//
// The kernel walks the blocks of its frame allocator and says what each is
// (abi/channel, MapWord); everything else is decided here: [Decoder] checks the
// stream, [Map.Sum] adds up, [Map.SVG] draws and [Map.Text] writes a table.
// Nothing is believed: what a decoder keeps is bounded whatever comes, and names
// are made printable.
//
// # The picture
//
// Memory is cut into squares of one size, a power of four, in rows of eight. A
// square is halved, upper and lower half, each half is halved, left and right,
// and so on: a node of the tree of buddies is a square or two squares side by
// side, and the two halves of a node are buddies. A block is the node that it
// fills, so its order is its size on the page, and that free neighbours weren't
// merged can be seen. What is smaller than a pixel or two is drawn by majority,
// and the depth of the drawing falls until the file has a bounded size.
//
// Rejected: strips of the address space with widths by size (a frame of a machine
// of 512 MiB is then half a pixel wide, here it is four pixels), Hilbert's curve
// (buddies are neighbours there too, but nobody can read an address off it), and
// lengths by the logarithm of the size (the eye compares areas).
package memorymap
