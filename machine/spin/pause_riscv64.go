// SPDX-License-Identifier: Apache-2.0

package spin

// Pause tells the processor that it is in a waiting loop (Zihintpause, Unprivileged
// ISA chapter 4). Without the extension the instruction does nothing.
func Pause()
