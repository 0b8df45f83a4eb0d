// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// toWASI compiles a program in C, and gives the folder that the module is to be in. What the program misses with wasi-libc is in
// the folder test/realprograms/c of its name: wasi.h, read before each file, and missing.c.
//
// The optimizer is asked for behind the driver's back (-Xclang), which would have wasm-opt work on the module, if there is one.
func toWASI(t *testing.T, name, src string, args ...string) string {
	t.Helper()
	root, err := vmtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	folder, out := filepath.Join(root, programsModule, "c", name), filepath.Join(src, "module")
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--target=wasm32-wasi", "--sysroot=/usr", "-Xclang", "-O2", "-w", "-I", folder, "-include", filepath.Join(folder, "wasi.h"),
		"-o", filepath.Join(out, name), filepath.Join(folder, "missing.c")}, args...)
	for _, part := range []string{"signal", "process-clocks", "mman", "getpid"} {
		args = append(args, "-D_WASI_EMULATED_"+strings.ToUpper(strings.ReplaceAll(part, "-", "_")), "-lwasi-emulated-"+part)
	}
	inFolder(t, src, "clang", args...)
	return out
}

// luaTest uses the language and its library, and errors that leave C functions: from Lua, from C, through coroutines and
// iterators, from finalizers, of a stack that is full.
const luaTest = `
local util = require "util"
print(_VERSION, #arg, arg[1], math.type(3), 7 // 2, 2^53 | 0, string.format("%q %5.2f %x", "a\nb", math.pi, 255))

local words, n = {}, 0
for line in io.lines("words.txt") do
	for w in line:gmatch("%a+") do words[w:lower()] = (words[w:lower()] or 0) + 1; n = n + 1 end
end
local names = util.keys(words)
local out <close> = assert(io.open("count.txt", "w"))
for i, w in ipairs(names) do out:write(string.format("%-8s %d\n", w, words[w])) end
print(n, #names, out:seek("cur"))

print(pcall(error, {code = 7}), select("#", pcall(error)))
print(pcall(function() local x = nil; return x.y end))
print(pcall(string.rep, "x", -1), pcall(string.rep))
print(select(2, xpcall(function() error("deep", 2) end, function(m) return "handled: " .. m end)))
print(pcall(string.gsub, "hello", "l", function(c) error("in a callback: " .. c, 0) end))
print(pcall(table.sort, {3, 1, 2, 5, 4}, function(a, b) error("no order", 0) end))
local function depth(k) local ok, e = pcall(function() if k == 0 then error("bottom", 0) end; depth(k - 1) end) if not ok then error(e .. "<" .. k, 0) end end
print(pcall(depth, 20))
local function forever() return 1 + forever() end
print(select(2, pcall(forever)):match("stack overflow"))
print(select(2, pcall(function() local t = setmetatable({}, {__index = function(t, k) return t[k .. "x"] end}); return t.a end)):match("C stack overflow"))

local co = coroutine.wrap(function(a) for i = 1, 3 do a = coroutine.yield(a * i) end; error("the coroutine's", 0) end)
print(co(2), co(3), co(4), pcall(co))
local walk = coroutine.wrap(function() table.sort(names); for _, w in ipairs(names) do pcall(coroutine.yield, w) end end)
print(walk(), walk(), walk())
do
	local log = {}
	local function closes(name) return setmetatable({}, {__close = function(_, e) log[#log + 1] = name .. ":" .. tostring(e) end}) end
	print(pcall(function() local a <close> = closes("a"); local b <close> = closes("b"); error("e", 0) end), table.concat(log, " "))
end
local freed = 0
for i = 1, 5000 do setmetatable({i}, {__gc = function() freed = freed + 1; if freed == 1 then error("in a finalizer") end end}) end
collectgarbage(); collectgarbage()
print(freed, collectgarbage("count") < 8192)

local rows = {}
for i = 1, 20000 do rows[i] = {i, (i * 7919) % 20011} end
table.sort(rows, function(a, b) return a[2] < b[2] end)
print(rows[1][2], rows[10000][1], rows[20000][2], #string.pack("<i4d", 7, 1.5), utf8.char(252, 0x1F600), load("return 1 +")) 

assert(os.rename("old.txt", "new.txt")); print(os.rename("none", "x")); print(os.remove("none")); print(io.open("none/none"))
print(os.getenv("PWD"), os.getenv("NONE"), os.time{year = 2024, month = 2, day = 29, hour = 12}, os.date("!%Y-%m-%d %H:%M:%S", 86400))
local both = assert(io.open("both.bin", "w+b")); both:write(("\0\1\2\255"):rep(1000)); both:seek("set", 3998); print(both:read("a"):byte(1, -1)); both:close()
print(io.read("n", "l", "L", "a"))
io.stderr:write("to stderr\n")
error(setmetatable({}, {__tostring = function() return "the end, with status 1" end}))
`

func lua() realModule {
	p := realProgram{name: "lua",
		files: map[string]string{"test.lua": luaTest, "words.txt": strings.Repeat("The quick brown fox\njumps over the lazy dog\n", 300), "old.txt": "moved",
			"util.lua": "local m = {}\nfunction m.keys(t) local k = {} for key in pairs(t) do k[#k + 1] = key end table.sort(k) return k end\nreturn m\n"},
		steps: []realStep{
			{args: []string{"lua", "test.lua", "an argument"}, stdin: "42 rest\nline\nall the rest\n"},
			{args: []string{"lua", "-e", "print(#arg, ...)", "-"}, stdin: "for i = 1, 3 do print(i) end os.exit(9)"},
			{args: []string{"lua", "broken.lua"}},
			{args: []string{"lua", "-e", "local function f() error('with a traceback') end f()"}},
			{args: []string{"lua", "-v"}},
		},
		after: leaves("count.txt", "new.txt", "both.bin"),
	}
	return realModule{realProgram: p, build: func(t *testing.T) string {
		src := cSource(t, debianSource{name: "lua5.4", sum: "164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61",
			tools: []string{"wasm-opt"}, needed: "binaryen"})
		files, err := filepath.Glob(filepath.Join(src, "src", "*.c"))
		if err != nil {
			t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == "luac.c" })
		out := toWASI(t, p.name, src, files...)
		inFolder(t, out, "wasm-opt", "--asyncify", "--pass-arg=asyncify-ignore-imports", "-O", "-o", p.name, p.name)
		return out
	}}
}

// sqlTest makes a database, on disk and in memory, changes it, and undoes changes.
func sqlTest() string {
	var s strings.Builder
	s.WriteString(`.bail off
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL CHECK(price >= 0), made INT);
CREATE TABLE sale(item INT REFERENCES item, n INT, at TEXT);
BEGIN;
`)
	for i := range 400 {
		fmt.Fprintf(&s, "INSERT INTO item(name, price, made) VALUES('thing %d ü', %d.25, %d);\n", i, i*13%97, i%12)
	}
	s.WriteString(`COMMIT;
INSERT INTO sale WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 20000) SELECT x % 400 + 1, x % 7, date('2024-01-01', (x % 365) || ' days') FROM c;
CREATE INDEX by_item ON sale(item, at);
CREATE VIEW total AS SELECT item.id, name, sum(n) AS n, round(sum(n * price), 2) AS paid FROM item JOIN sale ON sale.item = item.id GROUP BY item.id;
.mode box
SELECT * FROM total ORDER BY paid DESC, id LIMIT 5;
.mode csv
SELECT strftime('%m', at) AS month, sum(n), count(DISTINCT item), group_concat(DISTINCT n) FROM (SELECT * FROM sale ORDER BY n) GROUP BY month;
.mode json
SELECT id, rank() OVER (PARTITION BY made ORDER BY price DESC) AS place FROM item WHERE made = 3 LIMIT 4;
SELECT json_group_array(json_object('id', id, 'up', upper(name))) AS j FROM item WHERE id < 4;
.mode list
EXPLAIN QUERY PLAN SELECT * FROM sale WHERE item = 7 AND at > '2024-06';
INSERT INTO item(name, price) VALUES('cheap', -1);
SELECT nothing FROM item;
BEGIN; DELETE FROM sale; SELECT count(*) FROM sale; ROLLBACK; SELECT count(*) FROM sale;
SAVEPOINT a; UPDATE item SET price = price * 2; SAVEPOINT b; DELETE FROM item; ROLLBACK TO b; RELEASE a;
DELETE FROM sale WHERE n = 0; UPDATE sale SET n = n + 1 WHERE item % 2; 
.import --csv more.csv imported
SELECT * FROM imported ORDER BY 1;
.output dump.sql
.dump item
.output
.once total.txt
SELECT * FROM total;
.backup copy.db
ATTACH 'copy.db' AS copy; SELECT count(*) FROM copy.sale EXCEPT SELECT count(*) FROM main.sale; DETACH copy;
VACUUM; PRAGMA integrity_check; PRAGMA journal_mode = TRUNCATE; PRAGMA page_count;
`)
	return s.String()
}

func sqlite3() realModule {
	const vfs = "unix-none" // WASI has no locks
	p := realProgram{name: "sqlite3",
		files: map[string]string{"more.csv": "a,b\n1,\"x, y\"\n2,\"a \"\"quote\"\"\"\n", "script.sql": "SELECT count(*), sum(n) FROM sale; PRAGMA integrity_check;\n"},
		steps: []realStep{
			{args: []string{"sqlite3", "-batch", "-vfs", vfs, "test.db"}, stdin: sqlTest()},
			{args: []string{"sqlite3", "-batch", "-vfs", vfs, "-header", "-column", "test.db", ".read script.sql"}},
			{args: []string{"sqlite3", "-batch", "-vfs", vfs, "copy.db", "SELECT * FROM nothing"}},
			{args: []string{"sqlite3", "-batch", "-readonly", "-vfs", vfs, "test.db", "DELETE FROM item"}},
			{args: []string{"sqlite3", "-batch", ":memory:"}, stdin: "CREATE TABLE t(a); INSERT INTO t VALUES(1),(2); SELECT sum(a), sqlite_version() FROM t;\n"},
		},
		after: leaves("test.db", "copy.db", "dump.sql", "total.txt"),
	}
	return realModule{realProgram: p, build: func(t *testing.T) string {
		src := cSource(t, debianSource{name: "sqlite3", sum: "aaa776260ab4dc976db34aa7891819484c8676b5b2783123ebc6301e2ca5d655",
			tools: []string{"tclsh", "gcc"}, needed: "tcl gcc"})
		inFolder(t, src, "./configure", "--disable-tcl", "--disable-load-extension")
		inFolder(t, src, "make", "sqlite3.c", "shell.c")
		return toWASI(t, p.name, src, "-DSQLITE_THREADSAFE=0", "-DSQLITE_OMIT_LOAD_EXTENSION", "-DSQLITE_OMIT_WAL", "shell.c", "sqlite3.c")
	}}
}
