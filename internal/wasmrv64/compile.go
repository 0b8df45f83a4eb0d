// SPDX-License-Identifier: Apache-2.0

package wasmrv64

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
)

// Image is a compiled module: code that runs at any address.
type Image struct {
	CPU    CPU // what the code uses
	Code   []byte
	Exit   uint32 // offset of the way out: nothing behind it is a function
	Resume uint32 // offset of where to enter code that has left
	Thunks []uint32
	Funcs  []Placed // by index, imports first; in the order of their offsets
}

// Placed is where a function's code is, and what its frame is like.
type Placed struct {
	Offset uint32
	Frame  uint32 // bytes
	Return uint32 // offset of the return address in it
}

// bodies compiles all bodies, by several workers.
func bodies(m *Module, cpu CPU, workers int) ([]*fn, error) {
	list := make([]*fn, len(m.bodies))
	errs := make([]error, len(m.bodies))
	var next atomic.Int64
	var group sync.WaitGroup
	for range max(workers, 1) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(list); i = int(next.Add(1)) - 1 {
				list[i], errs[i] = compileBody(m, i, cpu, false)
				if errs[i] == errNarrow {
					list[i], errs[i] = compileBody(m, i, cpu, true)
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// compileBody compiles the function whose body has the given number.
func compileBody(m *Module, i int, cpu CPU, wide bool) (f *fn, err error) {
	defer caught(&err)
	f = &fn{m: m, cpu: cpu, wide: wide, lay: LayoutOf(m), typ: m.TypeOf(uint32(m.Imported() + i))}
	f.compile(m.bodies[i])
	return f, nil
}

// Compile compiles a valid module for a CPU by several workers. Errors wrap
// ErrUnsupported or ErrMalformed.
func Compile(module []byte, cpu CPU, workers int) (*Image, error) {
	m, err := Decode(module)
	if err != nil {
		return nil, err
	}
	list, err := bodies(m, cpu, workers)
	if err != nil {
		return nil, err
	}
	return link(m, cpu, list), nil
}

// linker puts code together.
type linker struct {
	asm
	im     *Image
	lay    Layout
	trap   int // offset of the way out for traps
	stubs  [stubs]int
	relocs []reloc
}

// link lays the code out: the common parts, the imports' stubs, the functions,
// the thunks.
func link(m *Module, cpu CPU, list []*fn) *Image {
	l := &linker{im: &Image{CPU: cpu}, lay: LayoutOf(m)}
	l.trapStub()
	l.exitStub()
	l.resumeStub()
	l.bitStubs()
	l.memoryStubs()
	for i := range m.Imports {
		l.align()
		l.place(hostFrame, hostFrame-8)
		l.hostStub(i, m.TypeOf(uint32(i)))
	}
	for _, f := range list {
		l.align()
		l.place(uint32(f.frame), uint32(f.raOff))
		for _, r := range f.relocs {
			r.pos += l.pos()
			l.relocs = append(l.relocs, r)
		}
		l.b = append(l.b, f.b...)
	}
	for _, t := range m.Types {
		l.align()
		l.im.Thunks = append(l.im.Thunks, uint32(l.pos()))
		l.thunk(t)
	}
	for _, r := range l.relocs {
		l.resolve(r)
	}
	l.im.Code = l.b
	return l.im
}

// align begins code at a multiple of 16 bytes, for the fetcher's sake.
func (l *linker) align() {
	for l.pos()%16 != 0 {
		l.i(iADDI, zero, zero, 0)
	}
}

// place notes that the next function begins here.
func (l *linker) place(frame, ret uint32) {
	l.im.Funcs = append(l.im.Funcs, Placed{uint32(l.pos()), frame, ret})
}

// resolve patches an AUIPC and JALR to their target. A near one becomes a no-op
// and a JAL, whose target a CPU knows before it executes.
func (l *linker) resolve(r reloc) {
	var to int
	switch r.what {
	case toFunc:
		to = int(l.im.Funcs[r.index].Offset)
	case toExit:
		to = int(l.im.Exit)
	case toTrap:
		to = l.trap
	case toStub:
		to = l.stubs[r.index]
	}
	through, link := reg(l.at(r.pos)>>7&31), reg(l.at(r.pos+4)>>7&31)
	if d := to - r.pos - 4; d >= -1<<20 && d < 1<<20 {
		l.set(r.pos, iADDI)
		l.set(r.pos+4, jump(link, d))
		return
	}
	hi, lo := upper(int64(to - r.pos))
	l.set(r.pos, iAUIPC|rd(through)|hi)
	l.set(r.pos+4, iJALR|rd(link)|rs1(through)|uint32(lo)<<20)
}

// Encoding: magic; as 32-bit numbers CPU, how many thunks and functions there
// are, how many bytes of code, exit and resume; thunks; functions; code. All numbers are little-endian.
const imageMagic = "LOAMRV64\x02\x00\x00\x00"

// Encode returns the form in which an image travels.
func (im *Image) Encode() []byte {
	b := make([]byte, 0, len(im.Code)+12*len(im.Funcs)+4*len(im.Thunks)+64)
	b = append(b, imageMagic...)
	put := func(list ...uint32) {
		for _, v := range list {
			b = binary.LittleEndian.AppendUint32(b, v)
		}
	}
	put(uint32(im.CPU), uint32(len(im.Thunks)), uint32(len(im.Funcs)), uint32(len(im.Code)), im.Exit, im.Resume)
	put(im.Thunks...)
	for _, f := range im.Funcs {
		put(f.Offset, f.Frame, f.Return)
	}
	return append(b, im.Code...)
}

// DecodeImage reads an encoded image without copying its code. It returns
// ErrMalformed when b is anything but the whole of what Encode returned.
func DecodeImage(b []byte) (im *Image, err error) {
	const header = len(imageMagic) + 6*4
	if len(b) < header || string(b[:len(imageMagic)]) != imageMagic {
		return nil, ErrMalformed
	}
	b = b[len(imageMagic):]
	get := func() uint32 {
		v := binary.LittleEndian.Uint32(b)
		b = b[4:]
		return v
	}
	cpu, thunks, funcs, code := get(), get(), get(), get()
	im = &Image{CPU: CPU(cpu), Exit: get(), Resume: get()}
	if uint64(len(b)) != 4*uint64(thunks)+12*uint64(funcs)+uint64(code) {
		return nil, ErrMalformed
	}
	for range thunks {
		im.Thunks = append(im.Thunks, get())
	}
	im.Funcs = make([]Placed, funcs)
	for i := range im.Funcs {
		im.Funcs[i] = Placed{get(), get(), get()}
	}
	im.Code = b
	return im, nil
}
