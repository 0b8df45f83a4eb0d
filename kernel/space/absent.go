// SPDX-License-Identifier: Apache-2.0

package space

import (
	"loam/abi"
	"loam/kernel/memory"
	"loam/kernel/pool"
)

// MissingPage is a page of a memory object that somebody has touched and that its
// pager has to bring.
type MissingPage struct {
	Object pool.Handle // of the memory object
	Page   uint64      // in it
	Any    bool        // there is one

	// Of an access of the kernel's own; Fault's caller knows them.
	Addr   uint64 // that was touched
	Access Prot   // Read or Write
}

// miss keeps which page is missed at an address.
func (s *Space) miss(page uint64, a *Area) Outcome {
	s.absent = MissingPage{Object: s.objects.HandleOf(a.Object), Page: (a.Offset + page - a.Start) / PageSize, Any: true}
	return Absent
}

// missed says that an access of the kernel's own has missed a page.
func (s *Space) missed(va uint64, access Prot) abi.Errno {
	s.absent.Addr, s.absent.Access = va, access
	if s.dirty != nil {
		*s.dirty |= s.absentBits
	}
	return memory.Absent
}

// TakeAbsent gives the page that was missed last, and forgets it.
func (s *Space) TakeAbsent() MissingPage {
	m := s.absent
	s.absent = MissingPage{}
	return m
}

// Missed reports whether TakeAbsent has something to give.
func (s *Space) Missed() bool { return s.absent.Any }

// Paged reports whether pages of the space may be absent until a pager has brought
// them. (Others come at once.) A page that is there stays for as long as it is mapped.
func (s *Space) Paged() bool { return s.paged }
