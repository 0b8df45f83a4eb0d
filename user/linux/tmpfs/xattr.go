// SPDX-License-Identifier: Apache-2.0

package tmpfs

import (
	"slices"

	"loam/abi"
	"loam/user/linux/vfs"
)

// Extended is for vfs.Extended.
func (n *node) Extended(name string) ([]byte, bool) {
	v, ok := n.extended[name]
	return v, ok
}

// ExtendedNames is for vfs.Extended.
func (n *node) ExtendedNames() (names []string) {
	for name := range n.extended {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// SetExtended is for vfs.Extended.
func (n *node) SetExtended(name string, value []byte) abi.Errno {
	old, there := n.extended[name]
	cost := int64(len(value) - len(old))
	switch {
	case value == nil:
		cost = -int64(len(old) + len(name) + entryCost)
	case !there:
		cost += int64(len(name) + entryCost)
	}
	if !n.fs.charge(cost) {
		return abi.ENOSPC
	}
	n.extendedCost += cost
	if value == nil {
		delete(n.extended, name)
	} else {
		if n.extended == nil {
			n.extended = map[string][]byte{}
		}
		n.extended[name] = value
	}
	n.changed(false)
	return 0
}

var _ vfs.Extended = (*node)(nil)
