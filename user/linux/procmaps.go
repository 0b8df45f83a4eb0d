// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"fmt"
	"slices"
	"strings"

	"loam/abi"
	"loam/user/linux/program"
)

// /proc/PID/maps. The kernel knows the areas of a process's memory; what files they are of is known here.

// runs is the program that a process runs.
type runs struct {
	image *program.Image
	base  uint64 // what its addresses are above what they were linked for
	stack uint64 // where its first stack began; 0: the kernel has made it
	id    mappedFile
}

// mapped is a part of a file that a process has mapped somewhere, where something else may be now.
type mapped struct {
	start, end uint64
	offset     uint64
	file       mappedFile
}

// mappedFile names a file in maps.
type mappedFile struct {
	dev, ino uint64
	name     string
}

// manyMapped is how many mappings of files are noted before those that are no more are looked for.
const manyMapped = 64

// noteMapped notes that a process has mapped a part of a file.
func (s *Server) noteMapped(p *process, start, size, offset uint64, id mappedFile) {
	size = (size + abi.PageSize - 1) &^ (abi.PageSize - 1)
	if n := len(p.mapped); n >= manyMapped && n&(n-1) == 0 {
		areas := s.areas(p)
		p.mapped = slices.DeleteFunc(p.mapped, func(m mapped) bool {
			return !slices.ContainsFunc(areas, func(a abi.ProcessArea) bool {
				return ofFile(&a) && a.Start < m.end && a.End > m.start
			})
		})
	}
	p.mapped = append(p.mapped, mapped{start, start + size, offset, id})
}

func ofFile(a *abi.ProcessArea) bool { return a.Kind == abi.AreaShared || a.Kind == abi.AreaPrivate }

// fileID names an open file for maps.
func (s *Server) fileID(p *process, f *file) (id mappedFile) {
	var st abi.Stat
	if _, e := f.attributes.Stat(nil, &st); e == 0 {
		id.dev, id.ino = st.Dev, st.Ino
	}
	n := jumpNode{f: f, view: &p.view}
	if id.name = f.name; id.name == "" {
		id.name, _ = n.nameOf(f.path)
	}
	return id
}

// runsOf gives the program that a process runs: one that the kernel has started is looked at first.
func (s *Server) runsOf(p *process, areas []abi.ProcessArea) *runs {
	if p.image != nil {
		return p.image
	}
	file, is := s.bootFile(p.exe)
	img, e := program.Parse(file.content, s.target)
	if !is || e != 0 {
		return nil
	}
	r := &runs{image: img, id: mappedFile{devBoot, file.ino, p.exe}}
	if i := slices.IndexFunc(areas, func(a abi.ProcessArea) bool { return a.Kind == abi.AreaProgram }); i >= 0 && img.Relocatable() {
		r.base = areas[i].Start - img.Low()
	}
	p.image = r
	return r
}

// mapsText is the file maps.
func (s *Server) mapsText(p *process) string {
	areas := s.areas(p)
	r := s.runsOf(p, areas)
	var b strings.Builder
	for i := range areas {
		offset, id := nameArea(p, r, &areas[i])
		writeMap(&b, &areas[i], offset, id)
	}
	return b.String()
}

// nameArea says what file an area is of, and where in it it begins.
func nameArea(p *process, r *runs, a *abi.ProcessArea) (offset uint64, id mappedFile) {
	switch a.Kind {
	case abi.AreaStack:
		id.name = "[stack]"
	case abi.AreaHeap:
		id.name = "[heap]"
	case abi.AreaVDSO:
		id.name = "[vdso]"
	case abi.AreaVVAR:
		id.name = "[vvar]"
	case abi.AreaPlain:
		if r != nil && r.stack >= a.Start && r.stack < a.End {
			id.name = "[stack]"
		}
	}
	for i := len(p.mapped) - 1; i >= 0 && ofFile(a); i-- { // the last that was mapped is there
		if m := &p.mapped[i]; a.Start >= m.start && a.Start < m.end {
			return m.offset + a.Start - m.start, m.file
		}
	}
	if r == nil || a.Kind != abi.AreaProgram && a.Kind != abi.AreaPrivate {
		return 0, id
	}
	if off, ok := r.image.Offset(a.Start - r.base); ok {
		return off, r.id
	}
	return 0, id
}

// writeMap writes a line as Linux does: names begin in column 74.
func writeMap(b *strings.Builder, a *abi.ProcessArea, offset uint64, id mappedFile) {
	bits := []byte("---p")
	for i, prot := range []uint32{abi.PROT_READ, abi.PROT_WRITE, abi.PROT_EXEC} {
		if a.Prot&prot != 0 {
			bits[i] = "rwx"[i]
		}
	}
	if a.Kind == abi.AreaShared || a.Kind == abi.AreaDevice {
		bits[3] = 's'
	}
	line := fmt.Sprintf("%08x-%08x %s %08x %02x:%02x %d ", a.Start, a.End, bits, offset, id.dev>>8, id.dev&0xff, id.ino)
	if id.name != "" {
		line = fmt.Sprintf("%-73s%s", line, strings.ReplaceAll(id.name, "\n", `\012`))
	}
	b.WriteString(line)
	b.WriteByte('\n')
}

// sizes are those of a process's memory, in bytes.
type sizes struct {
	all, code, data    uint64
	codeStart, codeEnd uint64
	stack, stackSize   uint64
}

// sizesOf adds areas up, as Linux does: what can be written and isn't shared is data, as the stack is.
func sizesOf(areas []abi.ProcessArea) (m sizes) {
	for _, a := range areas {
		n := a.End - a.Start
		m.all += n
		if a.Prot&abi.PROT_WRITE != 0 && a.Kind != abi.AreaShared && a.Kind != abi.AreaDevice {
			m.data += n
		}
		switch {
		case a.Kind == abi.AreaStack:
			m.stack, m.stackSize = a.End, n
		case m.code == 0 && a.Prot&abi.PROT_EXEC != 0:
			m.code, m.codeStart, m.codeEnd = n, a.Start, a.End
		}
	}
	return m
}
