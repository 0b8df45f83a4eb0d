// SPDX-License-Identifier: Apache-2.0

package main

// only calls what only RISC-V has.
func only(int) {}
