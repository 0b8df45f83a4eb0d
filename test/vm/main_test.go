// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"testing"

	"loam/test/vm/vmtest"
)

func TestMain(m *testing.M) { os.Exit(vmtest.Main(m)) }
