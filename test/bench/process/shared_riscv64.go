// SPDX-License-Identifier: Apache-2.0

package main

// sharedAt is where parent and child have the page that they share: far from
// where Go's runtime and the kernel put anything by themselves.
const sharedAt = 0x18_0000_0000
