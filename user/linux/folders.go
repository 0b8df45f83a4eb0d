// SPDX-License-Identifier: Apache-2.0

package linux

// mountFolders mounts the folders of the host.
func mountFolders(s *Server, mounts []mountOption) error { return nil }
