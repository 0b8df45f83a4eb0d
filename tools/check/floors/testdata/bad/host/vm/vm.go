// SPDX-License-Identifier: Apache-2.0

package vm

import _ "bad/kernel/core"
