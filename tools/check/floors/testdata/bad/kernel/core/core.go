// SPDX-License-Identifier: Apache-2.0

package core

import (
	_ "bad/kernel/pure"
	_ "bad/machine/metal"
)
