// SPDX-License-Identifier: Apache-2.0

package folder

// Settle waits until all that was let go of is given back.
func (d *Dir) Settle() { d.client.Fids() }
