// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"loam/abi"
	"loam/internal/manifest"
	"loam/user/object"
	"loam/user/sys"
)

// grants gives what is handed on to a service. What is made for it, init makes once,
// and keeps for the next instance.
func (d *system) grants(s *service) ([]abi.HandOn, error) {
	list := make([]abi.HandOn, len(s.Grants))
	for i := range s.Grants {
		g := &s.Grants[i]
		if s.given[i] == 0 {
			h, err := d.make(s, g)
			if err != nil {
				return nil, &stepError{g.String(), err}
			}
			s.given[i] = h
		}
		list[i] = abi.HandOn{Handle: s.given[i], Rights: g.Rights}
	}
	return list, nil
}

// make makes the handle for a grant.
func (d *system) make(s *service, g *manifest.Grant) (object.Handle, error) {
	machine := uint64(abi.HandleMachine)
	var h uint64
	var err error
	switch g.Kind {
	case manifest.GrantProvides:
		return d.endpoints[g.Name].handle, nil
	case manifest.GrantUses:
		h, err = sys.ObjectCall(abi.CallHandleMint, uint64(d.endpoints[g.Name].handle), uint64(g.Rights), s.badge)
	case manifest.GrantInterrupt:
		h, err = sys.ObjectCall(abi.CallInterruptCreate, machine, g.First, g.Flags)
	case manifest.GrantPorts:
		h, err = sys.ObjectCall(abi.CallPortsCreate, machine, g.First, g.Size)
	case manifest.GrantMemory:
		h, err = sys.ObjectCall(abi.CallDeviceMemory, machine, g.First, g.Size)
	case manifest.GrantRegisters:
		h, err = sys.ObjectCall(abi.CallRegistersCreate, machine, g.First, g.Size)
	case manifest.GrantDMA:
		h, err = sys.ObjectCall(abi.CallMemoryCreateDMA, machine, g.Size, g.Flags)
	case manifest.GrantMachine:
		return abi.HandleMachine, nil
	}
	return object.Handle(h), err
}
