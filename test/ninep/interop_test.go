// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"testing"

	"loam/user/ninep/folder/foldertest"
)

// TestQEMU: the server that folders are for.
func TestQEMU(t *testing.T) { foldertest.All(t, byQEMU, 300) }

// TestReadOnlyHere: a folder that only this side calls read-only is unharmed as well.
func TestReadOnlyHere(t *testing.T) { foldertest.ReadOnly(t, oneSided) }

// TestDiod: another server, which follows links.
func TestDiod(t *testing.T) {
	t.Run("Content", func(t *testing.T) { foldertest.Content(t, byDiod) })
	t.Run("Ways", func(t *testing.T) { foldertest.Ways(t, byDiod) })
	t.Run("Escape", func(t *testing.T) { foldertest.Escape(t, byDiod, true) })
	t.Run("ReadOnly", func(t *testing.T) { foldertest.ReadOnly(t, byDiod) })
	t.Run("List", func(t *testing.T) { foldertest.List(t, byDiod, 2000) })
}
