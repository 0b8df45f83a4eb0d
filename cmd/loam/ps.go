// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"loam/host/exit"
	"loam/host/ps"
)

// psPatience is how long a machine may take to answer.
const psPatience = 2 * time.Second

func psCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "ps",
		Short: "List running machines and their programs",
		Long: `List the machines that this user runs with loam run and loam boot, and, of those
with an init, the programs in them: what each does, the CPU time and memory that
it has used, and how often it was started again. A machine without an init runs
one program. A machine that does not answer is listed with that remark.`,
		Example: `  loam ps
  loam ps --json | jq '.[].programs'`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := ps.List(ps.Folders(cacheDir()), psPatience)
			if err != nil {
				return exit.Errorf(exit.Loam, "%v", err)
			}
			out := cmd.OutOrStdout()
			if asJSON {
				e := json.NewEncoder(out)
				e.SetIndent("", "  ")
				return e.Encode(list)
			}
			if len(list) == 0 {
				fmt.Fprintln(cmd.ErrOrStderr(), "loam: no machine is running")
			}
			return ps.Print(out, list, time.Now())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write a JSON document")
	return cmd
}
