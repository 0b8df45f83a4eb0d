// SPDX-License-Identifier: Apache-2.0

package prog

import _ "os"
