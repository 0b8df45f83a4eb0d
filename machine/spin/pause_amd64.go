// SPDX-License-Identifier: Apache-2.0

package spin

// Pause tells the processor that it is in a waiting loop (SDM vol. 2B, PAUSE).
func Pause()
