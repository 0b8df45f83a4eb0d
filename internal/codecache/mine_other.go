// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package codecache

import "io/fs"

// mine trusts the folder's access list.
func mine(fs.FileInfo) bool { return true }
