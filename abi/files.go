// SPDX-License-Identifier: Apache-2.0

package abi

// RootsFile is the name of the boot archive's file with the certificates of authorities, of a machine with a network.
const RootsFile = "ca-certificates.crt"
