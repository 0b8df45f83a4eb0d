// SPDX-License-Identifier: Apache-2.0

// Command hello is what everybody writes first.
package main

import "fmt"

func main() { fmt.Println("hello, world") }
