// SPDX-License-Identifier: Apache-2.0

package sys

// TicksLong is some 50 us of Ticks: less on a fast machine.
const TicksLong = 100_000
