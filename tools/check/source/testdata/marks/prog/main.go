// SPDX-License-Identifier: Apache-2.0

// Prog is a program.
package main

//loam:fatal
func halt() {}
