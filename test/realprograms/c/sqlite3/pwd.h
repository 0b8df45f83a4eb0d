/* SPDX-License-Identifier: Apache-2.0 */
struct passwd { char *pw_dir; };
struct passwd *getpwuid(unsigned user);
