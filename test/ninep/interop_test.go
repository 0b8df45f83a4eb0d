// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninep_test

import (
	"flag"
	"testing"

	"loam/user/ninep/folder/foldertest"
)

// Each message goes by the stub for debuggers, which takes its time: so there is less here than
// package folder's own tests do.
var (
	steps = flag.Int("steps", 300, "of each random walk with QEMU")
	files = flag.Int("files", 2000, "in the directory that is listed with QEMU")
)

// TestQEMU: the server that folders are for.
func TestQEMU(t *testing.T) { foldertest.All(t, byQEMU, *steps, *files) }

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
