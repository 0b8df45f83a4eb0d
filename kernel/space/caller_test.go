// SPDX-License-Identifier: Apache-2.0

package space

import "loam/abi"

// caller is a space and a thread of it that repeats its calls until they are
// done, with between, if there is one, called before each repetition.
type caller struct {
	*Space
	c       Call
	between func()
}

// mostPieces is more than any call here takes.
const mostPieces = 1 << 20

func repeat[T any](c *caller, f func() (T, abi.Errno)) (T, abi.Errno) {
	for range mostPieces {
		v, errno := f()
		if errno != More {
			if c.c.Pending() {
				panic("done, and to be repeated")
			}
			return v, errno
		}
		if !c.c.Pending() {
			panic("not done, and not to be repeated")
		}
		if c.between != nil {
			c.between()
		}
	}
	panic("a call doesn't end")
}

func (c *caller) do(f func() abi.Errno) abi.Errno {
	_, errno := repeat(c, func() (int, abi.Errno) { return 0, f() })
	return errno
}

func (c *caller) MMap(addr abi.UserAddr, length, prot, flags, offset uint64) (abi.UserAddr, abi.Errno) {
	return repeat(c, func() (abi.UserAddr, abi.Errno) { return c.Space.MMap(&c.c, addr, length, prot, flags, offset) })
}

func (c *caller) MUnmap(addr abi.UserAddr, length uint64) abi.Errno {
	return c.do(func() abi.Errno { return c.Space.MUnmap(&c.c, addr, length) })
}

func (c *caller) MProtect(addr abi.UserAddr, length, prot uint64) abi.Errno {
	return c.do(func() abi.Errno { return c.Space.MProtect(&c.c, addr, length, prot) })
}

func (c *caller) MAdvise(addr abi.UserAddr, length, advice uint64) abi.Errno {
	return c.do(func() abi.Errno { return c.Space.MAdvise(&c.c, addr, length, advice) })
}

func (c *caller) MRemap(addr abi.UserAddr, old, new, flags uint64, to abi.UserAddr) (abi.UserAddr, abi.Errno) {
	return repeat(c, func() (abi.UserAddr, abi.Errno) { return c.Space.MRemap(&c.c, addr, old, new, flags, to) })
}

func (c *caller) Brk(addr abi.UserAddr) abi.UserAddr {
	at, errno := repeat(c, func() (abi.UserAddr, abi.Errno) { return c.Space.Brk(&c.c, addr) })
	if errno != 0 {
		panic("brk fails")
	}
	return at
}

func (c *caller) MinCore(addr abi.UserAddr, length uint64, vec abi.UserAddr) abi.Errno {
	return c.do(func() abi.Errno { return c.Space.MinCore(&c.c, addr, length, vec) })
}

func (c *caller) MapStack(end, size, guard uint64) abi.Errno {
	return c.do(func() abi.Errno { return c.Space.MapStack(&c.c, end, size, guard) })
}

func (c *caller) Map(a Area) abi.Errno { return c.do(func() abi.Errno { return c.Space.Map(&c.c, a) }) }
