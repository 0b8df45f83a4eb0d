// SPDX-License-Identifier: Apache-2.0

package run

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loam/host/exit"
	"loam/host/vm"
)

// folderOf makes a folder with files of these contents.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestServiceFiles(t *testing.T) {
	dir := folderOf(t, map[string]string{"manifest": "loam-manifest 1\nservice a\nsystem console\n", "data": "abc", ".hidden": "x"})
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	files, err := ServiceFiles(dir, vm.AMD64, nil)
	if err != nil || strings.Join(slices.Sorted(maps.Keys(files)), " ") != "data manifest" || string(files["data"]) != "abc" {
		t.Errorf("%v, %v", err, files)
	}
}

func TestServiceFilesRefused(t *testing.T) {
	const head = "loam-manifest 1\nservice a\n"
	for want, files := range map[string]map[string]string{
		"has no file manifest":                                 {},
		"manifest:2: service a names neither a file":           {"manifest": head},
		"manifest:2: the file f of service a is not in ":       {"manifest": head + "file f"},
		"manifest:2: the file f of service a is empty":         {"manifest": head + "file f", "f": ""},
		"init: the name is taken by loam itself":               {"manifest": head + "system a", "init": "x"},
		"program: the name is taken by loam itself":            {"manifest": head + "system a", "program": "x"},
		"the file f of service a is a WebAssembly module, not": {"manifest": head + "file f", "f": "\x00asm\x01\x00\x00\x00"},
	} {
		_, err := ServiceFiles(folderOf(t, files), vm.AMD64, nil)
		if err == nil || exit.Code(err) != exit.Loam || !strings.Contains(err.Error(), "--services: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := ServiceFiles(filepath.Join(t.TempDir(), "not"), vm.AMD64, nil); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
}
