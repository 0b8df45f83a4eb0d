// SPDX-License-Identifier: Apache-2.0

package low

//loam:fatal
func halt() {}
