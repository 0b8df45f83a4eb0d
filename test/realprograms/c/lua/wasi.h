/* SPDX-License-Identifier: Apache-2.0
 *
 * What Lua misses with wasi-libc, by the macros that it has for such systems. The compiler reads this before each file.
 *
 * Errors leave C functions by setjmp and longjmp, which WebAssembly hasn't. Here missing.c has them left by Asyncify of
 * Binaryen's wasm-opt: it makes functions return at once, one after the other, from the call of start_unwind on to the
 * function that calls stop_unwind. That one must be a function of its own. What had been saved on the way is forgotten.
 */
struct lua_State;
__attribute__((noinline)) int luaD_rawrunprotected(struct lua_State *, void (*)(struct lua_State *, void *), void *);

void loam_unwind(void);
int loam_unwinds(void);
__attribute__((import_module("asyncify"), import_name("stop_unwind"))) void asyncify_stop_unwind(void);

#define luai_jmpbuf int
#define LUAI_THROW(L, c) loam_unwind()
#define LUAI_TRY(L, c, a) { a if (loam_unwinds()) asyncify_stop_unwind(); }

/* No temporary names. */
#define LUA_TMPNAMBUFSIZE 1
#define lua_tmpnam(buffer, failed) { (buffer)[0] = 0; failed = 1; }
