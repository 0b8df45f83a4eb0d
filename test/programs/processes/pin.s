// SPDX-License-Identifier: Apache-2.0

// The compiler takes functions without a body, those of go:linkname, in packages that have assembly.
