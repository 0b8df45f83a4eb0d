// SPDX-License-Identifier: Apache-2.0

package phys

import (
	"testing"

	"golang.org/x/sys/cpu"
)

// TestMovePlain repeats the test of Move with plain moves.
func TestMovePlain(t *testing.T) {
	EnablePlain()
	defer func() { plain = false }()
	movePieces(t)
}

// TestAVX repeats the page tests with 256-bit stores.
func TestAVX(t *testing.T) {
	if !cpu.X86.HasAVX {
		t.Skip("this processor has no AVX")
	}
	EnableAVX()
	defer func() { avx = false }()
	t.Run("zero", TestZeroOnlyThePage)
	t.Run("copy", TestCopyOnlyThePage)
}
