// SPDX-License-Identifier: Apache-2.0

// Package ninep holds packages user/ninep, user/ninep/folder and user/virtio/p9 against 9P
// servers of others, on a host and without a guest: QEMU's, which is the one that they are
// for, and diod.
//
// QEMU is started with a virtio-9p device and its CPU stopped. The driver is in the test:
// QEMU's stub for debuggers reads and writes the device's registers for it, and guest memory
// is a file that both have mapped. So the device is met as in the machine, but for its
// interrupts: data goes straight from the host's files to the caller's memory, and what the
// tests of foldertest want is asked of the server that there will be.
//
// QEMU is what ./x setup installs. diod is not: where there is none, its tests are skipped.
package ninep
