// SPDX-License-Identifier: Apache-2.0

package lx

// Numbers of more calls about processes.
const (
	SysClone            = 56
	SysExecveat         = 322
	SysGetppid          = 110
	SysGetrusage        = 98
	SysPidfdSendSignal  = 424
	SysPrlimit64        = 302
	SysRtSigqueueinfo   = 129
	SysRtTgsigqueueinfo = 297
	SysTgkill           = 234
	SysTimes            = 100
	SysTkill            = 200
)
