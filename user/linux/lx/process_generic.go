// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package lx

// Numbers of more calls about processes.
const (
	SysCapget           = 90
	SysCapset           = 91
	SysGetrlimit        = 163
	SysPrctl            = 167
	SysSetfsgid         = 152
	SysSetfsuid         = 151
	SysSetregid         = 143
	SysSetresgid        = 149
	SysSetresuid        = 147
	SysSetreuid         = 145
	SysSetrlimit        = 164
	SysClone            = 220
	SysExecveat         = 281
	SysGetppid          = 173
	SysGetrusage        = 165
	SysPidfdSendSignal  = 424
	SysPrlimit64        = 261
	SysRtSigqueueinfo   = 138
	SysRtTgsigqueueinfo = 240
	SysTgkill           = 131
	SysTimes            = 153
	SysTkill            = 130
)
