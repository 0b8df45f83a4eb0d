// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"loam/host/doctor"
)

func doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this computer has of what loam needs, and what mends the rest",
		Long: `Look at QEMU, its acceleration, the CPU it gives to a guest, the cache folder and
what loam carries. Exit status: 0 if programs can be run, 1 if not.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !doctor.Print(cmd.OutOrStdout(), doctor.Examine(cmd.Context(), cacheDir())) {
				fmt.Fprintln(cmd.ErrOrStderr(), "loam: programs can't be run here yet")
				return statusError(1)
			}
			return nil
		},
	}
}
