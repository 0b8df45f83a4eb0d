/* SPDX-License-Identifier: Apache-2.0 */
/* Lua asks for this header, and takes nothing of it: see wasi.h. */
