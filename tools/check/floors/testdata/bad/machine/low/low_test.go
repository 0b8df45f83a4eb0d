// SPDX-License-Identifier: Apache-2.0

package low

import (
	_ "bad/kernel/pure"
	_ "fmt"
)
