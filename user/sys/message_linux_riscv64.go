// SPDX-License-Identifier: Apache-2.0

package sys

// TicksLong is some 50 us of Ticks, where the time base has 10 MHz.
const TicksLong = 500
