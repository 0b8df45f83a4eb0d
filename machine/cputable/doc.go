// SPDX-License-Identifier: Apache-2.0

// Package cputable says which processors there are and where their interrupt
// controllers lie, whatever firmware told it.
//
// [Find] tries, in this order, each source that can be read and lists a
// processor:
//
//  1. ACPI's MADT (package acpi), by the root pointer that the loader names;
//  2. if it names none: MP tables in memory (package mptable);
//  3. ACPI's MADT, by a search of the ROM area;
//  4. MP tables in the ROM area.
//
// ACPI goes before MP tables in ROM because SeaBIOS lists only the first
// processor of each package there. Tables in memory go before the search
// because they are all that QEMU's microvm has without ACPI, and 8192 places
// take longer to search than its firmware takes to boot. With nothing the list
// is the processor that runs, and the controllers are where every PC has them.
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
