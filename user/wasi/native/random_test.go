// SPDX-License-Identifier: Apache-2.0

//go:build linux && riscv64

package native

import (
	"context"
	"encoding/binary"
	"flag"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"loam/internal/wasmrv64"
)

var randomModules = flag.Int("modules", 300, "how many random modules to compare on")

// kinds are the types of a generated module's values.
var kinds = []wasmrv64.Type{wasmrv64.I32, wasmrv64.I64, wasmrv64.F32, wasmrv64.F64}

// generator makes a random valid module that ends. Functions call only those
// before them; loops count down a local variable of their own.
type generator struct {
	*rand.Rand
	types  []wasmrv64.FuncType
	locals []wasmrv64.Type
	b      []byte
	fuel   int // instructions that may still be made for this function
}

const (
	genGlobals  = 4 // one of each kind
	genCounters = 2 // local variables at the end for loops
)

func (g *generator) emit(b ...byte)  { g.b = append(g.b, b...) }
func (g *generator) number(n uint32) { g.b = binary.AppendUvarint(g.b, uint64(n)) }
func (g *generator) kind() wasmrv64.Type {
	return kinds[g.IntN(len(kinds))]
}

// signed appends a signed LEB128 number.
func (g *generator) signed(n int64) {
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0 {
			g.emit(c)
			return
		}
		g.emit(c | 0x80)
	}
}

// interesting is a number, often near a border.
func (g *generator) interesting() int64 {
	switch g.IntN(4) {
	case 0:
		return int64(g.IntN(5) - 2)
	case 1:
		return 1<<g.IntN(64) + int64(g.IntN(3)-1)
	case 2:
		return int64(g.IntN(8192) - 4096)
	}
	return int64(g.Uint64())
}

func (g *generator) constant(t wasmrv64.Type) {
	n := g.interesting()
	switch t {
	case wasmrv64.I32:
		g.emit(0x41)
		g.signed(int64(int32(n)))
	case wasmrv64.I64:
		g.emit(0x42)
		g.signed(n)
	case wasmrv64.F32:
		g.emit(0x43)
		g.b = binary.LittleEndian.AppendUint32(g.b, math.Float32bits(float32(n)/8))
	default:
		g.emit(0x44)
		g.b = binary.LittleEndian.AppendUint64(g.b, math.Float64bits(float64(n)/8))
	}
}

// local pushes or sets a local variable of the type, if there is one.
func (g *generator) local(op byte, t wasmrv64.Type) bool {
	start := g.IntN(len(g.locals))
	for k := range g.locals {
		if i := (start + k) % len(g.locals); g.locals[i] == t {
			g.emit(op)
			g.number(uint32(i))
			return true
		}
	}
	return false
}

// Instructions by the kind of their operands and result.
var (
	genBinary = [4][2]byte{{0x6a, 0x78}, {0x7c, 0x8a}, {0x92, 0x98}, {0xa0, 0xa6}}
	genUnary  = [4][]byte{
		{0x67, 0x68, 0x69, 0xc0, 0xc1, 0x45},
		{0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4},
		{0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91},
		{0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f},
	}
	genCompare = [4][2]byte{{0x46, 0x4f}, {0x51, 0x5a}, {0x5b, 0x60}, {0x61, 0x66}}
	genLoads   = [4][]byte{{0x28, 0x2c, 0x2d, 0x2e, 0x2f}, {0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35}, {0x2a}, {0x2b}}
	genStores  = [4][]byte{{0x36, 0x3a, 0x3b}, {0x37, 0x3c, 0x3d, 0x3e}, {0x38}, {0x39}}
)

// expr pushes a value of a type.
func (g *generator) expr(t wasmrv64.Type, depth int) {
	g.fuel--
	if depth <= 0 || g.fuel <= 0 {
		if g.IntN(3) == 0 || !g.local(0x20, t) {
			g.constant(t)
		}
		return
	}
	switch g.IntN(15) {
	case 0, 1, 2:
		g.binary(t, depth)
	case 3:
		g.expr(t, depth-1)
		g.emit(genUnary[t][g.IntN(len(genUnary[t]))])
	case 4:
		g.compare(depth)
		g.fromI32(t)
	case 5:
		g.convert(t, depth)
	case 6, 7:
		g.address(depth)
		g.emit(genLoads[t][g.IntN(len(genLoads[t]))], 0)
		g.offset()
	case 8:
		g.expr(t, depth-1)
		g.expr(t, depth-1)
		g.compare(depth)
		g.emit(0x1b)
	case 9: // a block with a result, and a branch out of it
		g.emit(0x02, valueTypes[t])
		g.expr(t, depth-1)
		g.compare(depth)
		g.emit(0x0d, 0, 0x1a)
		g.expr(t, depth-1)
		g.emit(0x0b)
	case 10:
		g.compare(depth)
		g.emit(0x04, valueTypes[t])
		g.expr(t, depth-1)
		g.emit(0x05)
		g.expr(t, depth-1)
		g.emit(0x0b)
	case 11:
		g.expr(t, depth-1)
		if !g.local(0x22, t) {
			g.emit(0x01)
		}
	case 12:
		g.emit(0x23, byte(t))
	case 13:
		g.callFor(t, depth)
	default:
		g.expr(t, 0)
	}
}

func (g *generator) binary(t wasmrv64.Type, depth int) {
	r := genBinary[t]
	op := r[0] + byte(g.IntN(int(r[1]-r[0]+1)))
	g.expr(t, depth-1)
	g.expr(t, depth-1)
	if t <= wasmrv64.I64 && op-r[0] >= 3 && op-r[0] <= 6 && g.IntN(50) > 0 { // mostly no division by zero
		if t == wasmrv64.I32 {
			g.emit(0x41, 1, 0x72)
		} else {
			g.emit(0x42, 1, 0x84)
		}
	}
	if op == genBinary[wasmrv64.F32][1] || op == genBinary[wasmrv64.F64][1] {
		g.noNaN(t) // of copysign, where a sign shows
	}
	g.emit(op)
}

// noNaN replaces a float that is a NaN, whose sign nobody promises, by 0.
func (g *generator) noNaN(t wasmrv64.Type) {
	if t != wasmrv64.F32 && t != wasmrv64.F64 {
		return
	}
	l := byte(len(g.locals) + genCounters + int(t-wasmrv64.F32))
	zero := make([]byte, 4)
	if t == wasmrv64.F64 {
		zero = make([]byte, 8)
	}
	g.emit(0x22, l)
	g.emit(append([]byte{[...]byte{0x43, 0x44}[t-wasmrv64.F32]}, zero...)...)
	g.emit(0x20, l, 0x20, l, genCompare[t][0], 0x1b)
}

// compare pushes the result of a comparison.
func (g *generator) compare(depth int) {
	t := g.kind()
	r := genCompare[t]
	g.expr(t, depth-2)
	g.expr(t, depth-2)
	g.emit(r[0] + byte(g.IntN(int(r[1]-r[0]+1))))
	for g.IntN(4) == 0 {
		g.emit(0x45)
	}
}

func (g *generator) fromI32(t wasmrv64.Type) {
	switch t {
	case wasmrv64.I64:
		g.emit(0xac + byte(g.IntN(2)))
	case wasmrv64.F32:
		g.emit(0xb2 + byte(g.IntN(2)))
	case wasmrv64.F64:
		g.emit(0xb7 + byte(g.IntN(2)))
	}
}

// convert pushes a value made of one of another kind.
func (g *generator) convert(t wasmrv64.Type, depth int) {
	from := g.kind()
	g.expr(from, depth-1)
	switch {
	case from == t:
	case t == wasmrv64.I32 && from == wasmrv64.I64:
		g.emit(0xa7)
	case t <= wasmrv64.I64 && from >= wasmrv64.F32:
		g.emit(0xfc, byte(t)<<2|byte(from-wasmrv64.F32)<<1|byte(g.IntN(2)))
	case from == wasmrv64.I32:
		g.fromI32(t)
	case from == wasmrv64.I64 && t == wasmrv64.F32:
		g.emit(0xb4 + byte(g.IntN(2)))
	case from == wasmrv64.I64:
		g.emit(0xb9 + byte(g.IntN(2)))
	case t == wasmrv64.F32:
		g.emit(0xb6)
	default:
		g.emit(0xbb)
	}
}

// address pushes an address, nearly always one in the memory.
func (g *generator) address(depth int) {
	if g.IntN(100) == 0 {
		g.expr(wasmrv64.I32, depth-1)
		return
	}
	g.expr(wasmrv64.I32, depth-1)
	g.emit(0x41)
	g.signed(0x7ff0)
	g.emit(0x71)
	if g.IntN(2) == 0 {
		g.tee()
	}
}

// tee leaves the address in a local variable and pushes that.
func (g *generator) tee() {
	if g.local(0x22, wasmrv64.I32) {
		i := g.b[len(g.b)-1]
		g.emit(0x1a, 0x20, i)
	}
}

func (g *generator) offset() {
	if g.IntN(8) == 0 {
		g.number(uint32(g.IntN(0x7ff0)))
	} else {
		g.number(uint32(g.IntN(64)))
	}
}

// callFor calls a function whose only result is of the type, if there is one.
func (g *generator) callFor(t wasmrv64.Type, depth int) {
	for i, f := range g.types {
		if len(f.Results) == 1 && f.Results[0] == t && g.IntN(2) == 0 {
			g.call(i, depth)
			return
		}
	}
	g.constant(t)
}

func (g *generator) call(i, depth int) {
	for _, p := range g.types[i].Params {
		g.expr(p, depth-2)
	}
	if g.IntN(3) > 0 {
		g.emit(0x10)
		g.number(uint32(i))
		return
	}
	at := i
	if g.IntN(100) == 0 {
		at = g.IntN(len(g.types) + 3)
	}
	g.emit(0x41)
	g.signed(int64(at))
	g.emit(0x11)
	g.number(uint32(i))
	g.emit(0)
}

// stmt makes a statement.
func (g *generator) stmt(depth int) {
	if g.fuel <= 0 {
		return
	}
	t := g.kind()
	switch g.IntN(9) {
	case 8:
		g.bulk()
	case 0, 1:
		g.expr(t, 4)
		if !g.local(0x21, t) {
			g.emit(0x1a)
		}
	case 2:
		g.address(3)
		g.expr(t, 4)
		g.noNaN(t)
		g.emit(genStores[t][g.IntN(len(genStores[t]))], 0)
		g.offset()
	case 3:
		g.expr(t, 4)
		g.emit(0x24, byte(t))
	case 4:
		g.compare(4)
		g.emit(0x04, 0x40)
		g.block(depth)
		if g.IntN(2) == 0 {
			g.emit(0x05)
			g.block(depth)
		}
		g.emit(0x0b)
	case 5:
		g.loop(depth)
	case 6:
		g.table(depth)
	case 7:
		if len(g.types) > 0 {
			i := g.IntN(len(g.types))
			g.call(i, 4)
			for range g.types[i].Results {
				g.emit(0x1a)
			}
		}
	}
}

// bulk copies or fills memory, at times across its end.
func (g *generator) bulk() {
	near := g.IntN(2) == 0 // so that ranges overlap
	for range 2 {
		if !near {
			g.address(3)
			continue
		}
		g.expr(wasmrv64.I32, 0)
		g.emit(0x41, 63, 0x71)
	}
	g.expr(wasmrv64.I32, 2)
	g.emit(0x41)
	g.signed(int64(1<<g.IntN(12) - 1))
	g.emit(0x71)
	if g.IntN(2) == 0 {
		g.emit(0xfc, 10, 0, 0)
	} else {
		g.emit(0xfc, 11, 0)
	}
}

func (g *generator) block(depth int) {
	for n := g.IntN(4); n > 0 && depth > 0; n-- {
		g.stmt(depth - 1)
	}
}

// loop repeats statements a few times.
func (g *generator) loop(depth int) {
	if depth < 2 {
		return
	}
	i := uint32(len(g.locals) + depth%genCounters)
	g.emit(0x41, byte(1+g.IntN(4)), 0x21)
	g.number(i)
	g.emit(0x03, 0x40)
	g.block(min(depth, 2) - 1) // no loop within that uses the same counter
	g.emit(0x20)
	g.number(i)
	g.emit(0x41, 1, 0x6b, 0x22)
	g.number(i)
	g.emit(0x0d, 0, 0x0b)
}

// table is a br_table out of nested blocks.
func (g *generator) table(depth int) {
	n := 1 + g.IntN(4)
	for range n {
		g.emit(0x02, 0x40)
	}
	g.expr(wasmrv64.I32, 3)
	g.emit(0x41, 7, 0x71, 0x0e)
	g.number(uint32(n))
	for range n + 1 {
		g.number(uint32(g.IntN(n)))
	}
	for range n {
		g.emit(0x0b)
		g.block(depth)
	}
}

// function makes a function of a type and returns its body.
func (g *generator) function(t wasmrv64.FuncType) []byte {
	g.b, g.locals, g.fuel = nil, append([]wasmrv64.Type{}, t.Params...), 150
	decl := []byte{}
	n := g.IntN(30)
	for range n {
		k := g.kind()
		g.locals = append(g.locals, k)
		decl = append(decl, 1, valueTypes[k])
	}
	if len(g.locals) == 0 {
		n, g.locals, decl = 1, kinds[:1], []byte{1, valueTypes[0]}
	}
	for range 3 + g.IntN(10) {
		g.stmt(3)
	}
	for _, r := range t.Results {
		g.fuel += 5
		g.expr(r, 4)
	}
	g.emit(0x0b)
	head := append(number(uint32(n+3)), decl...)
	return sized(join(append(head, genCounters, 0x7f, 1, 0x7d, 1, 0x7c), g.b))
}

func (g *generator) list(most int) (list []wasmrv64.Type) {
	for n := g.IntN(most + 1); n > 0; n-- {
		list = append(list, g.kind())
	}
	return list
}

// module makes a module whose last function is exported as "f".
func (g *generator) module() []byte {
	var types, funcs, code, table [][]byte
	for i := range 6 {
		t := wasmrv64.FuncType{Params: g.list(24), Results: g.list(1)}
		switch {
		case i == 5:
			t = wasmrv64.FuncType{Results: g.list(5)}
		case g.IntN(4) == 0:
			t.Results = g.list(4)
		}
		code = append(code, g.function(t))
		g.types = append(g.types, t)
		types = append(types, join([]byte{0x60}, typeList(t.Params), typeList(t.Results)))
		funcs = append(funcs, number(uint32(i)))
		table = append(table, number(uint32(i)))
	}
	b := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, items ...[]byte) { b = join(b, []byte{id}, sized(vector(items))) }
	section(1, types...)
	section(3, funcs...)
	section(4, []byte{0x70, 0, 8})
	section(5, []byte{0, 1})
	section(6, []byte{0x7f, 1, 0x41, 5, 0x0b}, []byte{0x7e, 1, 0x42, 7, 0x0b},
		join([]byte{0x7d, 1, 0x43}, make([]byte, 4), []byte{0x0b}), join([]byte{0x7c, 1, 0x44}, make([]byte, 8), []byte{0x0b}))
	section(7, join(named("f"), []byte{0, 5}), join(named("memory"), []byte{2, 0}))
	section(9, join([]byte{0, 0x41, 0, 0x0b}, vector(table)))
	section(10, code...)
	return b
}

// outcome is what a call came to: its results, or a trap, and the memory.
type outcome struct {
	results []uint64
	trap    string
	memory  uint32
}

func outcomeOf(results []uint64, err error, m api.Memory) outcome {
	o := outcome{results: results}
	if err != nil {
		o.trap, _, _ = strings.Cut(err.Error(), "\n")
	}
	b, _ := m.Read(0, 1<<16)
	o.memory = crc32.ChecksumIEEE(b)
	return o
}

// same reports whether results agree; of NaNs there is one.
func (o outcome) same(p outcome, types []wasmrv64.Type) bool {
	if o.trap != p.trap || o.memory != p.memory || len(o.results) != len(p.results) {
		return false
	}
	for i, v := range o.results {
		w := p.results[i]
		nan := types[i] == wasmrv64.F32 && v<<33>>33 > 0x7f800000 && w<<33>>33 > 0x7f800000 ||
			types[i] == wasmrv64.F64 && v<<1>>1 > 0x7ff<<52 && w<<1>>1 > 0x7ff<<52
		if v != w && !nan {
			return false
		}
	}
	return true
}

// both runs a module by the interpreter and as code.
func both(ctx context.Context, module []byte) (interpreted, compiled outcome, types []wasmrv64.Type, err error) {
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer rt.Close(ctx)
	m, err := rt.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return
	}
	results, err := m.ExportedFunction("f").Call(ctx)
	interpreted = outcomeOf(results, err, m.Memory())
	image, err := wasmrv64.Compile(module, testCPU(), 1)
	if err != nil {
		return
	}
	i, err := New(ctx, rt, module, image, wazero.NewModuleConfig().WithName(""))
	if err == nil {
		err = i.Init(ctx)
	}
	if err != nil {
		return
	}
	defer i.Close()
	results, err = i.Call(ctx, "f")
	t, _ := i.Type("f")
	return interpreted, outcomeOf(results, err, i.Memory()), t.Results, nil
}

// TestRandom compares code with the interpreter on random modules.
func TestRandom(t *testing.T) {
	trapped := 0
	for seed := range uint64(*randomModules) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 5))}
		module := g.module()
		want, got, types, err := both(t.Context(), module)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !want.same(got, types) {
			t.Errorf("seed %d: interpreted %x, compiled %x", seed, want, got)
		}
		if want.trap != "" {
			trapped++
		}
	}
	t.Logf("%d of %d modules trapped", trapped, *randomModules)
	if trapped > *randomModules/2 {
		t.Error("most modules trap: the test has lost its point")
	}
}
