// SPDX-License-Identifier: Apache-2.0

// Command goexec is what `go run -exec 'loam exec'` starts in a test: it writes to its working directory, and ends with
// the status of its argument.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	status, err := strconv.Atoi(os.Args[1])
	if err == nil {
		err = os.WriteFile("written", []byte(os.Args[1]), 0o644)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(status)
}
