// SPDX-License-Identifier: Apache-2.0

// Package mptable reads the tables with which PCs listed their processors
// before ACPI, and QEMU's microvm does to this day.
//
// [Scan] looks for the floating pointer, [Find] goes from it to the
// configuration table and lists its entries in a [Machine] of fixed arrays.
// Tables come from firmware and are treated as hostile: each access is bounded
// by a phys.Window, each length is checked against the bytes there are, loops
// end by construction, and what does not fit the arrays is counted in Dropped.
// Nothing allocates.
//
// The table's length says how many entries there are. Its own count of entries
// is ignored: qboot, microvm's firmware, leaves it zero. The default
// configurations, which need no table, are refused: they describe machines of
// two processors from 1994. The extended entries and OEM tables hold nothing
// that the kernel needs.
//
// Where both exist ACPI's MADT is the better list: SeaBIOS puts only the first
// processor of each package here. Package cputable chooses.
//
// Source: Intel, MultiProcessor Specification, version 1.4 (order number
// 242016-006, May 1997), sections 4.1 (floating pointer), 4.2 (header), 4.3
// (entries).
package mptable

// Code says why tables are refused. The zero value is success.
type Code uint8

// The reasons.
const (
	OK          Code = iota
	NoPointer        // no floating pointer at the address, or nowhere
	NoTable          // the pointer names a default configuration
	BadAddress       // the table lies outside of physical memory
	BadChecksum      // the table's bytes don't sum to zero
	BadLength        // the table is shorter than its header
	BadTable         // the table has the wrong signature
)

var codeText = [...]string{
	OK:          "no error",
	NoPointer:   "no MP floating pointer",
	NoTable:     "MP default configuration, not a table",
	BadAddress:  "MP table outside of memory",
	BadChecksum: "MP table with a wrong checksum",
	BadLength:   "MP table with a wrong length",
	BadTable:    "MP table with a wrong signature",
}

// String gives the reason as a few words.
func (c Code) String() string {
	if int(c) < len(codeText) {
		return codeText[c]
	}
	return "unknown MP table error"
}
