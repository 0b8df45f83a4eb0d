// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package native

// New refuses where these would be needed.

func (i *Instance) mapCode() error             { return ErrUnsupported }
func (i *Instance) word(uint64) (uint64, bool) { return 0, false }

// Close ends the instance; nothing of it may be used after.
func (i *Instance) Close() {}
