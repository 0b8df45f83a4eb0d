// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"strings"
	"testing"

	"loam/machine/bootinfo"
)

// linkedELF describes an ELF like the linker's, for tests to spoil.
type linkedELF struct {
	header  elf.Header64
	progs   []elf.Prog64
	symbols []symbol
	noSyms  bool
	size    int // cut to this size if not 0
}

type symbol struct {
	name string
	kind elf.SymType
	addr uint64
	size uint64
}

const (
	testText   = TextAddr - pageSize
	testRodata = testText + 2*pageSize
	testData   = testRodata + pageSize
	testRt0    = TextAddr + 0x40
	testStart  = TextAddr + 0x80
)

// good returns a kernel that Build accepts, the size of a handful of pages.
func good() *linkedELF {
	load := func(flags elf.ProgFlag, off, addr, filesz, memsz uint64) elf.Prog64 {
		return elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(flags), Off: off,
			Vaddr: addr, Paddr: addr, Filesz: filesz, Memsz: memsz, Align: pageSize}
	}
	return &linkedELF{
		header: elf.Header64{
			Ident: [16]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
			Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
			Entry: testRt0, Phoff: 64, Ehsize: 64, Phentsize: 56, Shentsize: 64,
		},
		progs: []elf.Prog64{
			{Type: uint32(elf.PT_PHDR), Flags: uint32(elf.PF_R), Off: 64, Vaddr: testText + 64},
			load(elf.PF_R|elf.PF_X, 0, testText, 0x1234, 0x1234),
			load(elf.PF_R, 0x2000, testRodata, 0x800, 0x800),
			load(elf.PF_R|elf.PF_W, 0x3000, testData, 0x100, 0x2345),
			{Type: uint32(elf.PT_GNU_STACK), Flags: uint32(elf.PF_R | elf.PF_W), Align: 8},
		},
		symbols: []symbol{
			{name: "_rt0_amd64_linux", kind: elf.STT_FUNC, addr: testRt0},
			{name: StartSymbol, kind: elf.STT_FUNC, addr: testStart},
		},
	}
}

// bytes encodes the ELF: four pages of recognisable content behind the program
// headers, then symbols, strings and section headers.
func (l *linkedELF) bytes() []byte {
	le := binary.LittleEndian
	h := l.header
	h.Phnum = uint16(len(l.progs))
	var content, syms bytes.Buffer
	strs := []byte{0}
	_ = binary.Write(&syms, le, elf.Sym64{})
	for _, s := range l.symbols {
		_ = binary.Write(&syms, le, elf.Sym64{Name: uint32(len(strs)), Value: s.addr, Shndx: 1,
			Size: s.size, Info: elf.ST_INFO(elf.STB_GLOBAL, s.kind)})
		strs = append(append(strs, s.name...), 0)
	}
	const symOff = 4 * pageSize
	strOff := uint64(symOff + syms.Len())
	h.Shoff, h.Shnum, h.Shstrndx = strOff+uint64(len(strs)), 3, 2
	sections := []elf.Section64{
		{},
		{Type: uint32(elf.SHT_SYMTAB), Off: symOff, Size: uint64(syms.Len()), Link: 2, Entsize: elf.Sym64Size},
		{Type: uint32(elf.SHT_STRTAB), Off: strOff, Size: uint64(len(strs))},
	}
	if l.noSyms {
		sections[1].Type = uint32(elf.SHT_PROGBITS)
	}
	_ = binary.Write(&content, le, h)
	_ = binary.Write(&content, le, l.progs)
	for content.Len() < symOff {
		content.WriteByte(byte(content.Len()>>8) | 1)
	}
	content.Write(syms.Bytes())
	content.Write(strs)
	_ = binary.Write(&content, le, sections)
	if l.size != 0 {
		return content.Bytes()[:l.size]
	}
	return content.Bytes()
}

func TestBuild(t *testing.T) {
	linked := good().bytes()
	img, err := Build(linked)
	if err != nil {
		t.Fatal(err)
	}
	f := reread(t, img)
	if len(f.Progs) != 5 {
		t.Fatalf("%d program headers, want a note, the boot segment and three of the linker's", len(f.Progs))
	}
	checkNote(t, f)
	checkHeader(t, f, bootinfo.ImageHeader{
		Magic: bootinfo.ImageMagic, Entry: testRt0,
		TextStart: testText, TextEnd: testText + 2*pageSize,
		RodataStart: testRodata, RodataEnd: testRodata + pageSize,
		DataStart: testData, DataEnd: testData + 3*pageSize,
		ImageStart: 0x100000, ImageEnd: 0x206000,
		BootStart: 0x100000, BootEnd: 0x108000,
	})
	for i, p := range f.Progs[2:] {
		in := good().progs[1+i]
		if p.Vaddr != in.Vaddr || p.Memsz != in.Memsz || uint32(p.Flags) != in.Flags {
			t.Errorf("segment %d is %+v, want as linked: %+v", i, p.ProgHeader, in)
		}
		if !bytes.Equal(content(t, p), linked[in.Off:in.Off+in.Filesz]) {
			t.Errorf("segment %d has other bytes than the linker's", i)
		}
	}
	again, err := Build(linked)
	if err != nil || !bytes.Equal(img, again) {
		t.Errorf("a second Build gave other bytes (error %v)", err)
	}
}

// reread parses an image and checks what holds for every one.
func reread(t *testing.T, img []byte) *elf.File {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(img))
	if err != nil {
		t.Fatal(err)
	}
	if f.Class != elf.ELFCLASS64 || f.Machine != elf.EM_X86_64 || f.Type != elf.ET_EXEC {
		t.Errorf("image is %v %v %v", f.Class, f.Machine, f.Type)
	}
	end := uint64(0)
	for i, p := range f.Progs {
		if p.Off+p.Filesz > uint64(len(img)) {
			t.Errorf("program header %d leaves the file: %+v", i, p.ProgHeader)
		}
		if p.Type != elf.PT_LOAD {
			continue
		}
		if p.Paddr != p.Vaddr-0xffffffff80000000 {
			t.Errorf("segment %d: virtual %#x at physical %#x", i, p.Vaddr, p.Paddr)
		}
		if p.Paddr < end || p.Paddr%pageSize != 0 || p.Off%pageSize != 0 {
			t.Errorf("segment %d overlaps or is not page-aligned: %+v", i, p.ProgHeader)
		}
		if p.Flags&elf.PF_W != 0 && p.Flags&elf.PF_X != 0 && p.Paddr != 0x100000 {
			t.Errorf("segment %d is writable and executable", i)
		}
		if end = p.Paddr + p.Memsz; end > 1<<30 {
			t.Errorf("segment %d ends at %#x, above the first GiB", i, end)
		}
	}
	return f
}

func content(t *testing.T, p *elf.Prog) []byte {
	t.Helper()
	b := make([]byte, p.Filesz)
	if _, err := p.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	return b
}

func checkNote(t *testing.T, f *elf.File) {
	t.Helper()
	p := f.Progs[0]
	want := []byte("\x04\x00\x00\x00\x08\x00\x00\x00\x12\x00\x00\x00Xen\x00\x00\x01\x10\x00\x00\x00\x00\x00")
	if p.Type != elf.PT_NOTE || p.Align != 4 || !bytes.Equal(content(t, p), want) {
		t.Errorf("first program header is %+v with % x, want the PVH note % x", p.ProgHeader, content(t, p), want)
	}
	if f.Entry != 0x100100 {
		t.Errorf("e_entry is %#x, want the note's 0x100100", f.Entry)
	}
}

// checkHeader reads the image header the way the kernel does: at the boot
// segment's start.
func checkHeader(t *testing.T, f *elf.File, want bootinfo.ImageHeader) {
	t.Helper()
	var h bootinfo.ImageHeader
	if !h.Decode(content(t, f.Progs[1])) {
		t.Fatal("no image header at the start of the boot segment")
	}
	if h != want {
		t.Errorf("image header\n got %+v\nwant %+v", h, want)
	}
}

func TestStartSymbol(t *testing.T) {
	const abi0 = StartSymbol + ".abi0"
	for name, c := range map[string]struct {
		symbols []symbol
		want    uint64 // 0: an error
	}{
		"only the bare name":          {[]symbol{{name: StartSymbol, kind: elf.STT_FUNC, addr: testStart}}, testStart},
		"only abi0":                   {[]symbol{{name: abi0, kind: elf.STT_FUNC, addr: testStart}}, testStart},
		"abi0 before the wrapper":     {[]symbol{{name: abi0, kind: elf.STT_FUNC, addr: testStart}, {name: StartSymbol, kind: elf.STT_FUNC, addr: testRt0}}, testStart},
		"abi0 after the wrapper":      {[]symbol{{name: StartSymbol, kind: elf.STT_FUNC, addr: testRt0}, {name: abi0, kind: elf.STT_FUNC, addr: testStart}}, testStart},
		"none":                        {[]symbol{{name: "main.main", kind: elf.STT_FUNC, addr: testRt0}}, 0},
		"a variable of that name":     {[]symbol{{name: StartSymbol, kind: elf.STT_OBJECT, addr: testStart}}, 0},
		"outside the text":            {[]symbol{{name: StartSymbol, kind: elf.STT_FUNC, addr: testData}}, 0},
		"a name that only begins so":  {[]symbol{{name: StartSymbol + "up", kind: elf.STT_FUNC, addr: testStart}}, 0},
		"in the text's last, no file": {[]symbol{{name: StartSymbol, kind: elf.STT_FUNC, addr: testText + 0x1234}}, 0},
	} {
		l := good()
		l.symbols = c.symbols
		k, err := parse(l.bytes())
		if c.want == 0 {
			if err == nil || !strings.Contains(err.Error(), StartSymbol) {
				t.Errorf("%s: error %v, want one that names %s", name, err, StartSymbol)
			}
			continue
		}
		if err != nil || k.start != c.want {
			t.Errorf("%s: %v, start %+v, want %#x", name, err, k, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	prog := func(i int, change func(*elf.Prog64)) func(*linkedELF) {
		return func(l *linkedELF) { change(&l.progs[i]) }
	}
	for want, spoil := range map[string]func(*linkedELF){
		"not readable as ELF":                                func(l *linkedELF) { l.header.Ident[0] = 'M' },
		"is for EM_AARCH64":                                  func(l *linkedELF) { l.header.Machine = uint16(elf.EM_AARCH64) },
		"is ET_DYN":                                          func(l *linkedELF) { l.header.Type = uint16(elf.ET_DYN) },
		"dynamically linked (PT_INTERP":                      prog(0, func(p *elf.Prog64) { p.Type = uint32(elf.PT_INTERP) }),
		"dynamically linked (PT_DYNAMIC":                     prog(0, func(p *elf.Prog64) { p.Type = uint32(elf.PT_DYNAMIC) }),
		"has more than 3 PT_LOAD":                            prog(4, func(p *elf.Prog64) { p.Type = uint32(elf.PT_LOAD) }),
		"has 2 PT_LOAD":                                      func(l *linkedELF) { l.progs = l.progs[:3] },
		"segment 0 is PF_X+PF_W+PF_R":                        prog(1, func(p *elf.Prog64) { p.Flags = 7 }),
		"segment 1 is PF_W+PF_R, want PF_R (read-only data)": prog(2, func(p *elf.Prog64) { p.Flags = 6 }),
		"is not page-aligned":                                prog(2, func(p *elf.Prog64) { p.Vaddr += 8 }),
		"link with -ldflags '" + TextFlag:                    prog(1, func(p *elf.Prog64) { p.Vaddr = 0x400000 }),
		"text segment at 0xffffffff801ff000":                 prog(1, func(p *elf.Prog64) { p.Vaddr -= pageSize }),
		"overlaps the one before":                            prog(2, func(p *elf.Prog64) { p.Vaddr = testText + pageSize }),
		"data segment at 0xffffffff80201000":                 prog(3, func(p *elf.Prog64) { p.Vaddr = TextAddr }),
		"leaves the image's 1 GiB":                           prog(3, func(p *elf.Prog64) { p.Memsz = 1 << 30 }),
		"size 0xffffffffffffffff, leaves":                    prog(3, func(p *elf.Prog64) { p.Memsz = 1<<64 - 1 }),
		"at 0xfffffffffffff000":                              prog(3, func(p *elf.Prog64) { p.Vaddr = 1<<64 - pageSize }),
		"is empty":                                           prog(2, func(p *elf.Prog64) { p.Memsz, p.Filesz = 0, 0 }),
		"0x2346 bytes in the file":                           prog(3, func(p *elf.Prog64) { p.Filesz = 0x2346 }),
		"truncated?":                                         prog(2, func(p *elf.Prog64) { p.Off = 1 << 40 }),
		"offset 0x7ffffffffffffff8":                          prog(2, func(p *elf.Prog64) { p.Off = 1<<63 - 8; p.Filesz = 16 }),
		"entry 0xffffffff80203000 lies":                      func(l *linkedELF) { l.header.Entry = testData },
		"symbol table":                                       func(l *linkedELF) { l.noSyms = true },
	} {
		l := good()
		spoil(l)
		_, err := Build(l.bytes())
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "kernel ELF: ") {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	whole := good().bytes()
	for size := range len(whole) {
		if _, err := Build(whole[:size]); err == nil {
			t.Fatalf("the first %d of %d bytes passed for a kernel", size, len(whole))
		}
	}
}

func FuzzBuild(f *testing.F) {
	f.Add(good().bytes())
	f.Add([]byte{})
	r := goodRISCV()
	r.symbols[1].size = 8
	r.symbols = append(r.symbols, symbol{name: "runtime.exit", kind: elf.STT_FUNC, addr: TextAddr + 0x100, size: 4})
	b := r.bytes()
	code(b, TextAddr+0x100, ecall)
	f.Add(b)
	f.Add(goodStage())
	f.Add([]byte("\x7fELF\x02\x01\x01"))
	l := good()
	l.progs[3].Memsz = 1 << 63
	f.Add(l.bytes())
	f.Fuzz(func(t *testing.T, linked []byte) {
		img, err := Build(linked)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(img, []byte("\x7fELF")) {
			var h bootinfo.ImageHeader
			if !h.Decode(img[flatHeaderOff:]) || len(img) > flatLimit {
				t.Errorf("a flat image of %d bytes, %+v", len(img), h)
			}
			return
		}
		checkNote(t, reread(t, img))
	})
}
