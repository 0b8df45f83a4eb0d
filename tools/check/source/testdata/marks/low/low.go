// SPDX-License-Identifier: Apache-2.0

package low

// handle is a trap handler.
//
//loam:trap stack=4096
//loam:nofpu
func handle() {}

type T struct{}

//loam:noalloc
//loam:indirect handle, loam/x.y,runtime.memmove,sys*
func (t *T) Ptr() {}

//loam:indirect table=calls
func (t T) Val() {}

//loam:nocall
func enter()

//loam:trap
func a() {}

//loam:trap stack=lots
func b() {}

//loam:noalloc really
func c() {}

//loam:nonsense
func d() {}

//loam:noalloc
var e int

//loam:noalloc
func f[V any]() {}

type G[V any] struct{}

//loam:noalloc
func (g *G[V]) g() {}

//loam:indirect
func h() {}

//loam:trap stack=4096 stack.riscv64=8192
func i() {}

//loam:trap stack.riscv64=512
//loam:noalloc
func j() {}

//loam:trap stack=1 stack=2
func k() {}

//loam:trap stack.mips=512
func l() {}
