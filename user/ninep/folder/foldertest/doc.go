// SPDX-License-Identifier: Apache-2.0

// Package foldertest has the tests of package folder that hold with any server, on a host:
// those of package ninetest, and others that there may be.
package foldertest
