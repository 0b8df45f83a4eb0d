// SPDX-License-Identifier: Apache-2.0

package bootinfo

import (
	"encoding/binary"

	"loam/machine/phys"
)

// Limits on what a loader may hand over.
const (
	MaxModules     = 8
	MaxMapEntries  = 8192
	MaxCommandLine = 4096 // bytes, with the NUL
)

// Layout of hvm_start_info, hvm_modlist_entry and hvm_memmap_table_entry.
const (
	startMagic     = 0x336ec578
	startSize      = 40 // version 0
	startSizeV1    = 56
	moduleSize     = 32
	memoryMapEntry = 24
)

// Info is the start info as physical ranges, each checked to lie in memory.
type Info struct {
	Version     uint32
	Flags       uint32
	Self        Range // the structure itself
	CommandLine Range // without the NUL; empty when there is none
	RSDP        uint64
	ModuleTable Range
	ModuleCount int
	Modules     [MaxModules]Range
	MemoryMap   Range // the loader's table
	MapEntries  int
}

// Parse reads the start info at physical address pa into info, which is
// meaningful only if the code is OK.
func Parse(mem phys.Window, pa uint64, info *Info) Code {
	*info = Info{}
	b := mem.Bytes(pa, startSize)
	if b == nil {
		return BadAddress
	}
	le := binary.LittleEndian
	if le.Uint32(b) != startMagic {
		return BadMagic
	}
	info.Version = le.Uint32(b[4:])
	info.Flags = le.Uint32(b[8:])
	info.RSDP = le.Uint64(b[32:])
	info.Self = Range{pa, startSize}
	if code := info.parseModules(mem, le.Uint64(b[16:]), le.Uint32(b[12:])); code != OK {
		return code
	}
	if code := info.parseCommandLine(mem, le.Uint64(b[24:])); code != OK {
		return code
	}
	if info.Version == 0 {
		return NoMemoryMap
	}
	// Later versions only append, as the header promises.
	if b = mem.Bytes(pa, startSizeV1); b == nil {
		return BadAddress
	}
	info.Self.Size = startSizeV1
	return info.parseMemoryMap(mem, le.Uint64(b[40:]), le.Uint32(b[48:]))
}

func (info *Info) parseModules(mem phys.Window, pa uint64, count uint32) Code {
	if count == 0 {
		return OK
	}
	if count > MaxModules {
		return TooLong
	}
	size := uint64(count) * moduleSize
	b := mem.Bytes(pa, size)
	if b == nil {
		return BadAddress
	}
	for i := range int(count) {
		e := b[i*moduleSize:]
		r := Range{binary.LittleEndian.Uint64(e), binary.LittleEndian.Uint64(e[8:])}
		if r.Size != 0 && mem.Bytes(r.Base, r.Size) == nil {
			return BadAddress
		}
		info.Modules[i] = r
	}
	info.ModuleTable = Range{pa, size}
	info.ModuleCount = int(count)
	return OK
}

func (info *Info) parseCommandLine(mem phys.Window, pa uint64) Code {
	if pa == 0 {
		return OK
	}
	// Page by page, since a short line may sit at the very end of memory.
	for n := uint64(0); n < MaxCommandLine; {
		step := min(PageSize-(pa+n)%PageSize, MaxCommandLine-n)
		b := mem.Bytes(pa+n, step)
		if b == nil {
			return BadAddress
		}
		for i, c := range b {
			if c == 0 {
				info.CommandLine = Range{pa, n + uint64(i)}
				return OK
			}
		}
		n += step
	}
	return TooLong
}

func (info *Info) parseMemoryMap(mem phys.Window, pa uint64, count uint32) Code {
	if count == 0 {
		return NoMemoryMap
	}
	if count > MaxMapEntries {
		return TooLong
	}
	size := uint64(count) * memoryMapEntry
	if mem.Bytes(pa, size) == nil {
		return BadAddress
	}
	info.MemoryMap = Range{pa, size}
	info.MapEntries = int(count)
	return OK
}

// MapEntry returns entry i of the loader's memory map, and false if there is
// no such entry.
func (info *Info) MapEntry(mem phys.Window, i int) (r Range, kind MemoryKind, ok bool) {
	if i < 0 || i >= info.MapEntries {
		return Range{}, 0, false
	}
	b := mem.Bytes(info.MemoryMap.Base+uint64(i)*memoryMapEntry, memoryMapEntry)
	if b == nil {
		return Range{}, 0, false
	}
	le := binary.LittleEndian
	return Range{le.Uint64(b), le.Uint64(b[8:])}, MemoryKind(le.Uint32(b[16:])), true
}

// CommandLineBytes returns the command line, nil when there is none. The slice
// is a window on physical memory: don't keep it in a structure.
func (info *Info) CommandLineBytes(mem phys.Window) []byte {
	if info.CommandLine.Size == 0 {
		return nil
	}
	return mem.Bytes(info.CommandLine.Base, info.CommandLine.Size)
}

// RAM fills m with what the loader calls RAM, whatever else it calls it: entries may
// overlap, and touch in the middle of a page. All that Usable leaves lies in it.
func (info *Info) RAM(mem phys.Window, m *Map) {
	*m = Map{}
	for i := range info.MapEntries {
		if r, kind, ok := info.MapEntry(mem, i); ok && kind == MemoryRAM {
			m.Add(r)
		}
	}
}

// Usable fills m with the memory that the kernel may hand out: what the loader
// calls RAM and nothing else, less the first MiB (real-mode leftovers, the
// video window, ROM, and the stub that starts other processors), the start
// info and its tables, and the modules. Each thing that lies elsewhere, the
// kernel image above all, the caller takes out with Remove before it calls
// Finish.
func (info *Info) Usable(mem phys.Window, m *Map) {
	info.RAM(mem, m)
	for i := range info.MapEntries {
		if r, kind, ok := info.MapEntry(mem, i); ok && kind != MemoryRAM {
			m.Remove(r)
		}
	}
	m.Remove(Range{0, lowMemory})
	m.Remove(info.Self)
	m.Remove(info.ModuleTable)
	m.Remove(info.MemoryMap)
	// The NUL too, and with it a page for an empty line that is there.
	m.Remove(Range{info.CommandLine.Base, info.CommandLine.Size + 1})
	for i := range info.ModuleCount {
		m.Remove(info.Modules[i])
	}
}

// lowMemory is the end of the memory below 1 MiB that is never handed out.
const lowMemory = 1 << 20
