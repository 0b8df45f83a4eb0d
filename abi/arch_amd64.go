// SPDX-License-Identifier: Apache-2.0

package abi

// Registers is a thread's integer state on this architecture.
type Registers = RegistersAMD64

// HostArch is the architecture this was built for.
const HostArch = AMD64

// UserLimit is the first address that is not the user's.
const UserLimit = UserLimitAMD64

// EpollEventSize is the size of struct epoll_event in bytes. It is packed on
// amd64 only.
const EpollEventSize = EpollEventSizeAMD64

// PutEpollEvent writes e's layout to the first EpollEventSize bytes of b.
func PutEpollEvent(b []byte, e EpollEvent) { PutEpollEventAMD64(b, e) }

// GetEpollEvent reads an event from the first EpollEventSize bytes of b.
func GetEpollEvent(b []byte) EpollEvent { return GetEpollEventAMD64(b) }

// SigactionSize is the size of the kernel's struct sigaction in bytes.
const SigactionSize = SigactionSizeAMD64

// PutSigaction writes a's layout to the first SigactionSize bytes of b.
func PutSigaction(b []byte, a Sigaction) { PutSigactionAMD64(b, a) }

// GetSigaction reads an action from the first SigactionSize bytes of b.
func GetSigaction(b []byte) Sigaction { return GetSigactionAMD64(b) }

// StatSize is the size of struct stat in bytes.
const StatSize = StatSizeAMD64

// PutStat writes s's layout to the first StatSize bytes of b.
func PutStat(b []byte, s *Stat) { PutStatAMD64(b, s) }
