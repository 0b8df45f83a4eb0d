// SPDX-License-Identifier: Apache-2.0

package preview1

// ModuleName is the name by which modules import what is here.
const ModuleName = "wasi_snapshot_preview1"

// Folder is a directory that a module is granted.
type Folder struct {
	Path string // where it is
	Name string // what the module calls it
}
