// SPDX-License-Identifier: Apache-2.0

package sched

// Nice values, as of nice(2).
const (
	MinNice = -20
	MaxNice = 19
)

// unitWeight is the weight of nice 0.
const unitWeight = 1024

// niceWeight holds round(1024 / 1.25^nice) for nice from MinNice to MaxNice: one
// step of nice between two threads is about a tenth of the CPU.
var niceWeight = [MaxNice - MinNice + 1]int64{
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
	9537, 7629, 6104, 4883, 3906, 3125, 2500, 2000, 1600, 1280,
	1024, 819, 655, 524, 419, 336, 268, 215, 172, 137,
	110, 88, 70, 56, 45, 36, 29, 23, 18, 15,
}
