// SPDX-License-Identifier: Apache-2.0

// Package sys is fine.
package sys

import _ "unsafe"
