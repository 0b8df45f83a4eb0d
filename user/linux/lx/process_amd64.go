// SPDX-License-Identifier: Apache-2.0

package lx

// Numbers of more calls about processes.
const (
	SysCapget           = 125
	SysCapset           = 126
	SysGetrlimit        = 97
	SysPrctl            = 157
	SysSetfsgid         = 123
	SysSetfsuid         = 122
	SysSetregid         = 114
	SysSetresgid        = 119
	SysSetresuid        = 117
	SysSetreuid         = 113
	SysSetrlimit        = 160
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
