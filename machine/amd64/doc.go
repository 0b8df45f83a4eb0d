// SPDX-License-Identifier: Apache-2.0

// Package amd64 encodes what the processor and its interrupt controllers read
// in memory and registers: page-table entries, descriptors, the task-state
// segment, control-register bits, model-specific registers, CPUID leafs, the
// local and the I/O APIC. It computes and never executes, so it has no build
// constraint, and its tests run on any host.
//
// SDM is Intel's "64 and IA-32 Architectures Software Developer's Manual"
// (order number 325462, 2023), cited by volume and section; APM is AMD's
// "AMD64 Architecture Programmer's Manual" vol. 2 (24593, rev. 3.41).
package amd64
