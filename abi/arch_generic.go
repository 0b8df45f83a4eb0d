// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package abi

// Registers is a thread's integer state on this architecture.
type Registers = RegistersRISCV64

// HostArch is the architecture this was built for; other hosts count as riscv64,
// whose layouts they share.
const HostArch = RISCV64

// UserLimit is the first address that is not the user's.
const UserLimit = UserLimitRISCV64

// EpollEventSize is the size of struct epoll_event in bytes. It is packed on
// amd64 only.
const EpollEventSize = EpollEventSizeGeneric

// PutEpollEvent writes e's layout to the first EpollEventSize bytes of b.
func PutEpollEvent(b []byte, e EpollEvent) { PutEpollEventGeneric(b, e) }

// GetEpollEvent reads an event from the first EpollEventSize bytes of b.
func GetEpollEvent(b []byte) EpollEvent { return GetEpollEventGeneric(b) }

// SigactionSize is the size of the kernel's struct sigaction in bytes.
const SigactionSize = SigactionSizeGeneric

// PutSigaction writes a's layout to the first SigactionSize bytes of b.
func PutSigaction(b []byte, a Sigaction) { PutSigactionGeneric(b, a) }

// GetSigaction reads an action from the first SigactionSize bytes of b.
func GetSigaction(b []byte) Sigaction { return GetSigactionGeneric(b) }

// StatSize is the size of struct stat in bytes.
const StatSize = StatSizeGeneric

// PutStat writes s's layout to the first StatSize bytes of b.
func PutStat(b []byte, s *Stat) { PutStatGeneric(b, s) }
