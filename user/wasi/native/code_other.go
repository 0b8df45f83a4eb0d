// SPDX-License-Identifier: Apache-2.0

//go:build !linux || !riscv64

package native

// New refuses where these would be needed.

func enter(*uint64)                             {}
func (i *Instance) mapCode() error              { return ErrUnsupported }
func (i *Instance) bytes(uint64, uint64) []byte { return nil }
func (i *Instance) word(uint64) (uint64, bool)  { return 0, false }
func addressOf([]byte) uint64                   { return 0 }
func addressOfWords([]uint64) uint64            { return 0 }

// Close ends the instance; nothing of it may be used after.
func (i *Instance) Close() {}
