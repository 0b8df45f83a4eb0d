// SPDX-License-Identifier: Apache-2.0

package vdso

// Build writes this architecture's image to the text page.
func Build(page *[PageSize]byte) { BuildAMD64(page) }
