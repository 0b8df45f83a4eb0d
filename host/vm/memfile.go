// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"io"
	"os"
)

// tempFile returns a temporary file that is already removed: it goes with the
// last descriptor, however loam ends.
func tempFile(name string) (*os.File, error) {
	f, err := os.CreateTemp("", "loam-"+name+"-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// MemFileOf returns a MemFile that holds what data has, its offset at the
// start.
func MemFileOf(name string, data io.Reader) (*os.File, error) {
	f, err := MemFile(name)
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(f, data); err == nil {
		_, err = f.Seek(0, 0)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
