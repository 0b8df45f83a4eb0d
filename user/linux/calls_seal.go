// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// Seals of files in memory (F_ADD_SEALS of fcntl(2)): what they forbid stays forbidden, so who gets such a file from
// another can rely on it.

// sealed gives what can be sealed of a file.
func (f *file) sealed() (vfs.Sealed, bool) {
	n, ok := f.path.Node.(vfs.Sealed)
	return n, ok && f.open != nil && f.path.Node.Mode()&abi.S_IFMT == abi.S_IFREG
}

// getSeals is F_GET_SEALS.
func (f *file) getSeals() uint64 {
	n, ok := f.sealed()
	if !ok {
		return abi.EINVAL.Result()
	}
	return uint64(n.Seals())
}

// addSeals is F_ADD_SEALS.
func (s *Server) addSeals(f *file, seals uint32) uint64 {
	const allWriting = lx.SealShrink | lx.SealGrow | lx.SealWrite | lx.SealFutureWrite
	if !f.writes() {
		return abi.EPERM.Result()
	}
	if seals&^lx.SealAll != 0 {
		return abi.EINVAL.Result()
	}
	n, ok := f.sealed()
	if !ok {
		return abi.EINVAL.Result()
	}
	was := n.Seals()
	switch {
	case was&lx.SealSeal != 0:
		return abi.EPERM.Result()
	case seals&lx.SealWrite != 0 && was&lx.SealWrite == 0 && s.writtenByMapping(f):
		return abi.EBUSY.Result()
	}
	if seals&lx.SealExec != 0 && f.path.Node.Mode()&0o111 != 0 {
		seals |= allWriting // what can be run can't be changed
	}
	n.SetSeals(was | seals)
	return 0
}

// writtenByMapping reports whether a file is mapped by somebody who may write to it by way of that: it was mapped so,
// and is mapped still.
func (s *Server) writtenByMapping(f *file) bool {
	if !s.writable[f.path.Node] {
		return false
	}
	if o, ok := f.open.(vfs.Mapper); ok {
		m, e := s.mapper(o)
		if e != 0 || m.Shared() {
			return true
		}
	}
	delete(s.writable, f.path.Node)
	return false
}

// sealedMapping refuses a shared mapping that a file's seals forbid, and notes one that could write. mayWrite says
// whether it may become writable later.
func (s *Server) sealedMapping(f *file, g *mapping) (mayWrite bool, e abi.Errno) {
	const unwritable = lx.SealWrite | lx.SealFutureWrite
	n, ok := f.sealed()
	switch {
	case !ok || g.flags&abi.MAP_TYPE == abi.MAP_PRIVATE || !f.writes():
		return f.writes(), 0
	case n.Seals()&unwritable == 0:
		if n.Seals()&lx.SealSeal == 0 {
			s.writable[f.path.Node] = true
		}
		return true, 0
	case g.prot&abi.PROT_WRITE != 0:
		return false, abi.EPERM
	}
	return false, 0
}
