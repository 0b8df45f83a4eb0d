// SPDX-License-Identifier: Apache-2.0

package abi

// Arch names an instruction set whose call numbers this package knows.
type Arch uint8

const (
	AMD64   Arch = iota // x86-64
	RISCV64             // RISC-V, 64 bit
)

// String gives the name that the Go toolchain uses.
func (a Arch) String() string {
	switch a {
	case AMD64:
		return "amd64"
	case RISCV64:
		return "riscv64"
	}
	return "unknown"
}

var loamNames = [...]string{
	CallBootFile - CallBase:               "boot_file",
	CallSpawn - CallBase:                  "spawn",
	CallHandleDuplicate - CallBase:        "handle_duplicate",
	CallHandleReplace - CallBase:          "handle_replace",
	CallHandleClose - CallBase:            "handle_close",
	CallHandleInfo - CallBase:             "handle_info",
	CallNotificationCreate - CallBase:     "notification_create",
	CallNotificationSignal - CallBase:     "notification_signal",
	CallNotificationWait - CallBase:       "notification_wait",
	CallThreadCreate - CallBase:           "thread_create",
	CallThreadStart - CallBase:            "thread_start",
	CallThreadStop - CallBase:             "thread_stop",
	CallThreadResume - CallBase:           "thread_resume",
	CallThreadEnd - CallBase:              "thread_end",
	CallThreadWait - CallBase:             "thread_wait",
	CallProcessCreate - CallBase:          "process_create",
	CallProcessKill - CallBase:            "process_kill",
	CallProcessWait - CallBase:            "process_wait",
	CallProcessInfo - CallBase:            "process_info",
	CallMemoryCreate - CallBase:           "memory_create",
	CallMemoryResize - CallBase:           "memory_resize",
	CallMemoryDecommit - CallBase:         "memory_decommit",
	CallMemoryInfo - CallBase:             "memory_info",
	CallMemoryMap - CallBase:              "memory_map",
	CallMemoryUnmap - CallBase:            "memory_unmap",
	CallMemoryClone - CallBase:            "memory_clone",
	CallHandleRevoke - CallBase:           "handle_revoke",
	CallHandleMint - CallBase:             "handle_mint",
	CallEndpointCreate - CallBase:         "endpoint_create",
	CallEndpointCall - CallBase:           "endpoint_call",
	CallEndpointReceive - CallBase:        "endpoint_receive",
	CallEndpointReply - CallBase:          "endpoint_reply",
	CallEndpointReplyReceive - CallBase:   "endpoint_reply_receive",
	CallMessageRead - CallBase:            "message_read",
	CallMessageWrite - CallBase:           "message_write",
	CallThreadBind - CallBase:             "thread_bind",
	CallThreadSchedule - CallBase:         "thread_schedule",
	CallThreadInfo - CallBase:             "thread_info",
	CallProcessQuota - CallBase:           "process_quota",
	CallInterruptCreate - CallBase:        "interrupt_create",
	CallInterruptBind - CallBase:          "interrupt_bind",
	CallInterruptAck - CallBase:           "interrupt_ack",
	CallPortsCreate - CallBase:            "ports_create",
	CallPortRead - CallBase:               "port_read",
	CallPortWrite - CallBase:              "port_write",
	CallDeviceMemory - CallBase:           "device_memory",
	CallMemoryCreateDMA - CallBase:        "memory_create_dma",
	CallMemoryAddress - CallBase:          "memory_address",
	CallTimerCreate - CallBase:            "timer_create",
	CallTimerSet - CallBase:               "timer_set",
	CallMemoryCreatePaged - CallBase:      "memory_create_paged",
	CallMemorySupply - CallBase:           "memory_supply",
	CallHostReceive - CallBase:            "host_receive",
	CallHostSend - CallBase:               "host_send",
	CallMachineInfo - CallBase:            "machine_info",
	CallMachineEnd - CallBase:             "machine_end",
	CallProcessUse - CallBase:             "process_use",
	CallEndpointWatch - CallBase:          "endpoint_watch",
	CallMachineLog - CallBase:             "machine_log",
	CallRegistersCreate - CallBase:        "registers_create",
	CallRegistersRead - CallBase:          "registers_read",
	CallRegistersWrite - CallBase:         "registers_write",
	CallProcessForward - CallBase:         "process_forward",
	CallInterruptCreateMessage - CallBase: "interrupt_create_message",
	CallInterruptMessage - CallBase:       "interrupt_message",
	CallProcessSignal - CallBase:          "process_signal",
	CallMessageMap - CallBase:             "message_map",
	CallMessageSignal - CallBase:          "message_signal",
	CallProcessClone - CallBase:           "process_clone",
	CallProcessCopy - CallBase:            "process_copy",
	CallProcessReplace - CallBase:         "process_replace",
	CallProcessContinue - CallBase:        "process_continue",
	CallProcessOpen - CallBase:            "process_open",
	CallProcessPost - CallBase:            "process_post",
	CallProcessWatch - CallBase:           "process_watch",
	CallProcessNews - CallBase:            "process_news",
	CallProcessWrite - CallBase:           "process_write",
	CallProcessArea - CallBase:            "process_area",
	CallProcessThread - CallBase:          "process_thread",
	CallProcessSignals - CallBase:         "process_signals",
}

// Name gives the name of call number nr on architecture a, or "" when nobody
// assigned the number. It is meant for diagnosis and statistics.
func Name(a Arch, nr uint64) string {
	if nr >= CallBase {
		if nr < callEnd {
			return loamNames[nr-CallBase]
		}
		return ""
	}
	table := namesAMD64[:]
	if a == RISCV64 {
		table = namesRISCV64[:]
	}
	if nr < uint64(len(table)) {
		return table[nr]
	}
	return ""
}
