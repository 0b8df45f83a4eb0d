// SPDX-License-Identifier: Apache-2.0

// Package cputable says which processors there are and where their interrupt
// controllers lie, whatever firmware told it.
//
// [Find] tries ACPI's MADT (package acpi), from the RSDP that the loader names
// or else by a search, then the MP tables (package mptable). A source counts
// if it can be read and lists a processor. ACPI goes first because SeaBIOS
// lists only the first processor of each package in its MP tables; MP tables
// are all that microvm has without ACPI. With neither the list is the
// processor that runs, and the controllers are where every PC has them.
//
// What a [List] holds is safe to act upon: the processor that runs is the
// first, no id comes twice, none means "all processors", addresses are
// aligned. Firmware can still lie: an id may answer to nobody, an address may
// be memory.
//
// Nothing allocates; a List of fixed arrays is meant to be a static variable.
// Rejected: one list of 64 in each parser (the parsers would have to know the
// running processor to keep it), and trusting the firmware's mark of the boot
// processor (the local APIC knows better).
package cputable
