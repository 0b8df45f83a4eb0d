// SPDX-License-Identifier: Apache-2.0

package wasm

import "math/rand/v2"

// Large is a module of about the given size in bytes, most of it code that a
// compiler has to work for: functions of 32-bit arithmetic on local variables,
// memory and each other. It prints the sum of a few of them, which depends on
// the seed, and is the same module for the same size and seed.
func Large(size int, seed uint64) []byte {
	const locals = 8
	random := rand.New(rand.NewPCG(seed, 0))
	m := &Builder{}
	write := m.WASI("fd_write", four)
	one := string(I32)
	var last uint32
	for total, n := 0, 0; total < size; n++ {
		body := []byte{}
		for k := 40 + random.IntN(200); k > 0; k-- {
			body = append(body, step(random, locals)...)
		}
		if n > 0 { // a chain of calls that ends by itself: a lower number each time
			body = Cat(body, opLocalGet, 0, Const(7), 0x71, opEqz, 0x04, noType,
				opLocalGet, 1, call(last-uint32(random.IntN(min(n, 50)))), opLocalSet, 2, opEnd)
		}
		last = m.Func(one, one, locals, body, opLocalGet, 0, opLocalGet, 2, opAdd)
		total += len(m.code[n])
	}
	m.Memory(16).Data(0, iovec(16, 4))
	return m.Start(0, Const(16), Const(1), call(last), Const(2), call(last/2+1), opAdd, store,
		Const(1), Const(0), Const(1), Const(8), call(write), opDrop).Bytes()
}

// step is a few instructions that compute one local variable from others.
func step(random *rand.Rand, locals int) []byte {
	local := func() []byte { return Cat(opLocalGet, random.IntN(locals)) }
	arithmetic := []int{opAdd, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x77} // add sub mul and or xor rotl
	op := arithmetic[random.IntN(len(arithmetic))]
	value := Cat(local(), Const(int64(random.Int32())), op, local(), arithmetic[random.IntN(3)])
	switch random.IntN(8) {
	case 0: // through memory
		at := Const(int64(1024 + 4*random.IntN(10_000)))
		return Cat(at, value, store, at, load, opLocalSet, random.IntN(locals))
	case 1: // on a condition
		return Cat(local(), local(), opLtU, 0x04, noType, value, opLocalSet, random.IntN(locals), opEnd)
	}
	return Cat(value, opLocalSet, random.IntN(locals))
}
