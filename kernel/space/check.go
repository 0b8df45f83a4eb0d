// SPDX-License-Identifier: Apache-2.0

package space

// Charged is how many frames the space's account is charged for, those that it was
// granted in advance and its root included.
func (s *Space) Charged() uint64 {
	if s.account == nil {
		return 0
	}
	return s.granted + 1
}
