// SPDX-License-Identifier: Apache-2.0

// Package acpi reads the little of ACPI that the kernel needs before it has
// drivers: which processors and interrupt controllers there are.
//
// [Find] goes from the RSDP that the loader names (or [Scan] finds) through
// the XSDT or RSDT to the MADT and lists its entries in a [Machine] of fixed
// arrays. Tables come from firmware and are treated as hostile: each access is
// bounded by a phys.Window, each length is checked against the bytes there
// are, loops end by construction, and what does not fit the arrays is counted
// in Dropped. Nothing allocates. There is no interpreter for AML and there
// never will be one on this floor.
//
// Source: ACPI Specification 6.5, sections 5.2.5 (RSDP), 5.2.6 (headers),
// 5.2.7 and 5.2.8 (RSDT, XSDT), 5.2.12 (MADT).
package acpi

// Code says why tables are refused. The zero value is success.
type Code uint8

// The reasons.
const (
	OK          Code = iota
	NoRSDP           // no RSDP at the address, or nowhere
	BadAddress       // a table lies outside of physical memory
	BadChecksum      // the bytes of a table don't sum to zero
	BadLength        // a table is shorter than its header or longer than 1 MiB
	BadTable         // a table has the wrong signature
	NoMADT           // there is no MADT
)

var codeText = [...]string{
	OK:          "no error",
	NoRSDP:      "no ACPI root pointer",
	BadAddress:  "ACPI table outside of memory",
	BadChecksum: "ACPI table with a wrong checksum",
	BadLength:   "ACPI table with a wrong length",
	BadTable:    "ACPI table with a wrong signature",
	NoMADT:      "no ACPI interrupt controller table",
}

// String gives the reason as a few words.
func (c Code) String() string {
	if int(c) < len(codeText) {
		return codeText[c]
	}
	return "unknown ACPI error"
}
