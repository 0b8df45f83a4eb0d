// SPDX-License-Identifier: Apache-2.0

//go:build linux

package folder_test

import (
	"testing"

	"loam/user/ninep"
	"loam/user/ninep/folder"
	"loam/user/ninep/folder/foldertest"
	"loam/user/ninep/ninetest"
)

// served mounts a folder by a server in this process, and looks at the end of the test whether
// the client kept to the protocol and left nothing behind.
func served(t testing.TB, s *ninetest.Server, readOnly bool) *folder.Dir {
	t.Helper()
	c, err := ninep.Dial(t.Context(), &ninetest.Local{Server: s}, ninep.Config{ReadOnly: readOnly})
	if err != nil {
		t.Fatal(err)
	}
	d, err := folder.Attach(t.Context(), c, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if wrong := s.Wrong(); wrong != nil {
			t.Errorf("the client did what it must not: %q", wrong)
		}
		if c.Fids() != 0 || s.Fids() != 0 {
			t.Errorf("%d files left over, the server has %d", c.Fids(), s.Fids())
		}
		s.Close()
	})
	return d
}

func honest(t testing.TB, dir string, readOnly bool) *folder.Dir {
	t.Helper()
	s, err := ninetest.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return served(t, s, readOnly)
}

func careless(t testing.TB, dir string, readOnly bool) *folder.Dir {
	t.Helper()
	return served(t, ninetest.Careless(dir), readOnly)
}

// TestHonest: all is well with an honest server.
func TestHonest(t *testing.T) { foldertest.All(t, honest, 1500) }

// TestCareless: with a server that would serve the whole host, nothing but the folder
// is reached: this side sees to it by itself, as long as nobody moves things meanwhile.
func TestCareless(t *testing.T) {
	t.Run("Ways", func(t *testing.T) { foldertest.Ways(t, careless) })
	t.Run("Model", func(t *testing.T) { foldertest.Model(t, careless, 7, 1500) })
	t.Run("Escape", func(t *testing.T) { foldertest.Escape(t, careless) })
	t.Run("ReadOnly", func(t *testing.T) { foldertest.ReadOnly(t, careless) })
}

// FuzzModel does the operations that a number stands for in a folder and on the host.
func FuzzModel(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { foldertest.Model(t, honest, seed, 200) })
}
