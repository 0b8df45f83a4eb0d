// SPDX-License-Identifier: Apache-2.0

//go:build !loam

package low

//loam:noalloc
func stub() {}
