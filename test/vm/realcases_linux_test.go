// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	programsModule = "test/realprograms"
	uroot          = "github.com/u-root/u-root/cmds/core/"
)

// coreTools are the tools of u-root's that the script uses.
var coreTools = []string{"cat", "chmod", "cmp", "cp", "find", "gosh", "grep", "gzip", "head", "ln", "ls", "mkdir", "mv", "rm", "seq", "shasum",
	"sort", "tail", "tar", "tee", "touch", "tr", "uniq", "wc", "xargs"}

// realPrograms are the programs, the quick ones first.
func realPrograms() []realProgram {
	module := func(p realProgram) realProgram {
		p.module = programsModule
		return p
	}
	return []realProgram{gofmt(), module(gojq()), module(esbuild()), module(age()), module(sqlite()), module(goGit()), module(core()), hugo()}
}

func gofmt() realProgram {
	return realProgram{name: "gofmt", module: ".", pkgs: []string{"cmd/gofmt"}, quick: true,
		files: map[string]string{
			"ugly.go":       "package  p\nimport (\"os\";\"fmt\")\nfunc f( a int,b  string){\nif a==1{fmt.Println(b,os.Args [ 1: ])}}\n",
			"deep/er/s.go":  "package p\nvar x = []int { 1,2 , 3 }\nvar y = x[1:len(x)]\nfor\n",
			"deep/fine.go":  "package p\n\nvar y = 1\n",
			"deep/range.go": "package p\n\nfunc g(m map[string]int) {\n\tfor k, _ := range m {\n\t\t_ = k\n\t}\n}\n",
		},
		steps: []realStep{
			{args: []string{"gofmt", "-d", "ugly.go"}},
			{args: []string{"gofmt", "-l", "."}},
			{args: []string{"gofmt", "-s", "-w", "ugly.go", "deep/range.go", "deep/fine.go"}},
			{args: []string{"gofmt", "-r", "a -> bb"}, stdin: "package p\nvar a=1;var c = a\n"},
		},
	}
}

func gojq() realProgram {
	var people strings.Builder
	for i := range 500 {
		fmt.Fprintf(&people, `{"name":"n%d","age":%d,"tags":["t%d","ü"],"more":{"x":null,"y":%d.5}}`+"\n", i, i*7%90, i%3, i)
	}
	return realProgram{name: "gojq", pkgs: []string{"github.com/itchyny/gojq/cmd/gojq"}, quick: true,
		files: map[string]string{"people.json": people.String(), "f.jq": `def total: map(.age) | add; group_by(.tags[0]) | map({tag: .[0].tags[0], total: total})`},
		steps: []realStep{
			{args: []string{"gojq", "-s", "-f", "f.jq", "people.json"}},
			{args: []string{"gojq", "-c", `select(.age > 80) | .more.y |= . * 2 | del(.tags)`}, stdin: people.String()},
			{args: []string{"gojq", "-r", "--arg", "who", "n7", `select(.name == $who) | @base64 "\(.tags)", (now > 0), env.HOME != null`, "people.json"}},
			{args: []string{"gojq", ".a"}, stdin: `{"a": [1, 2`},
			{args: []string{"gojq", ".", "missing.json"}},
		},
	}
}

func esbuild() realProgram {
	files := map[string]string{
		"src/style.css":  "@import './more.css';\nbody { color: #ff0000; & p { margin: 0px } }\n",
		"src/more.css":   "a { background: url(./dot.svg) }\n",
		"src/dot.svg":    "<svg xmlns='http://www.w3.org/2000/svg'/>\n",
		"src/lazy.tsx":   "import {sum} from './lib';\nexport const View = (p: {n: number}) => <b className='x'>{sum(p.n, 1)}</b>;\n",
		"src/broken.js":  "let x = ;\nimport './nowhere';\n",
		"src/main.ts":    "import './style.css';\nimport {sum, MODULES} from './lib';\nenum Color { Red, Green = sum(1, 2) }\nimport('./lazy').then(m => console.log(m.View({n: Color.Green}), MODULES));\n",
		"tsconfig.json":  `{"compilerOptions": {"jsxFactory": "h", "target": "es2020"}}`,
		"src/lib/f.json": `{"a": [1, 2, {"b": "c"}]}`,
	}
	var index strings.Builder
	for i := range 100 {
		files[fmt.Sprintf("src/lib/m%d.ts", i)] = fmt.Sprintf("import data from './f.json';\nexport function m%d(this: any, ...a: number[]) { const t = data.a?.[%d] ?? a; return t }\n", i, i)
		fmt.Fprintf(&index, "export * from './m%d';\n", i)
	}
	files["src/lib/index.ts"] = index.String() + "import * as all from './m7';\nexport const MODULES = Object.keys(all);\nexport const sum = (a: number, b: number) => a + b;\n"
	return realProgram{name: "esbuild", pkgs: []string{"github.com/evanw/esbuild/cmd/esbuild"}, files: files,
		steps: []realStep{
			{args: []string{"esbuild", "src/main.ts", "--bundle", "--splitting", "--format=esm", "--minify", "--sourcemap", "--metafile=meta.json",
				"--loader:.svg=file", "--outdir=out", "--log-level=warning"}},
			{args: []string{"esbuild", "--loader=ts", "--sourcemap=inline"}, stdin: "let x: number = 1 satisfies number; export { x }\n"},
			{args: []string{"esbuild", "src/broken.js", "--bundle", "--outfile=never.js", "--color=false"}},
		},
	}
}

// What age encrypts for is of no use to anybody.
const (
	ageIdentity  = "AGE-SECRET-KEY-1YM2MUTVCDNKYLXMTLE7FP0JE32325TEMGE6FN9S32FCY4WXF7T6QSDXA2U"
	ageRecipient = "age1feqed6ggzcuufy8pxn0nmmcn3yejuzt8jpdju67sqg27tcgksf2s8y46tw"
)

// age encrypts in the machine what it decrypts there and on the host. Each encryption is another.
func age() realProgram {
	plain := strings.Repeat("something that nobody else may read\n", 5000)
	return realProgram{name: "age", pkgs: []string{"filippo.io/age/cmd/age", "filippo.io/age/cmd/age-keygen"},
		files: map[string]string{"plain": plain, "key": ageIdentity + "\n"},
		steps: []realStep{
			{args: []string{"age-keygen", "-y", "key"}},
			{args: []string{"age", "-r", ageRecipient, "-o", "secret.age", "plain"}},
			{args: []string{"age", "-d", "-i", "key", "-o", "back", "secret.age"}},
			{args: []string{"age", "-d", "-i", "key", "plain"}},
		},
		except: `\.age$`,
		after: func(t *testing.T, folder, programs string) {
			cmd := exec.Command(filepath.Join(programs, "age"), "-d", "-i", "key", "secret.age")
			cmd.Dir = folder
			if out, err := cmd.Output(); err != nil || string(out) != plain {
				t.Errorf("on the host it is %.100q, %v", out, err)
			}
		},
	}
}

func sqlite() realProgram {
	return realProgram{name: "sqlite", pkgs: []string{"./sqlite", uroot + "cp", uroot + "gosh"},
		steps: []realStep{
			{args: []string{"sqlite", "host.db"}},
			{args: []string{"gosh", "-c", `sqlite "$HOME/memory.db" && cp "$HOME/memory.db.delete" "$HOME/memory.db.wal" .`}},
		},
		after: func(t *testing.T, folder, _ string) {
			for _, name := range []string{"host.db.delete", "host.db.wal", "memory.db.delete", "memory.db.wal"} {
				head := make([]byte, 16)
				f, err := os.Open(filepath.Join(folder, name))
				if err == nil {
					_, err = f.Read(head)
					f.Close()
				}
				if err != nil || string(head) != "SQLite format 3\x00" {
					t.Errorf("%s: %q, %v", name, head, err)
				}
			}
		},
	}
}

func goGit() realProgram {
	return realProgram{name: "go-git", pkgs: []string{"./gogit"},
		steps:  []realStep{{args: []string{"gogit", "."}}},
		except: `^(repo|clone)/\.git/(index|config)$|/pack-.*\.(idx|pack|rev)$`, // times of files, the folder's name, and what order a map has
		after: func(t *testing.T, folder, _ string) {
			git, err := exec.LookPath("git")
			if err != nil {
				t.Log("no git here that would check the repositories")
				return
			}
			for _, repo := range []string{"repo", "clone"} {
				for _, args := range [][]string{{"fsck", "--strict", "--full"}, {"diff", "--exit-code", "HEAD"}} {
					cmd := exec.Command(git, append([]string{"-C", filepath.Join(folder, repo)}, args...)...)
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("git %v in %s: %v\n%s", args, repo, err, out)
					}
				}
			}
		},
	}
}

// script uses the shell and the tools as people's scripts do.
const script = `
set -e
fail() { echo "fail: $1" >&2; return 3; }
mkdir -p a/b/c "$HOME/t"
for i in $(seq 1 30); do echo "line $i of $((i * i % 7))" > a/f$i; done
cat a/f* | sort | uniq | wc
cat a/f* | tr a-z A-Z | grep 'OF 4' | sort -r | head -n 3
grep -c line a/f1 a/f2 || true
cp a/f1 a/b/copy; mv a/f2 a/b/c/moved; ln -s ../f3 a/b/link; ln a/f4 a/hard
echo more >> a/hard; cat a/f4
cmp a/f1 a/b/copy && echo same
cmp a/f1 a/f3 > /dev/null 2>&1 || echo "differ $?"
chmod 600 a/f5; touch a/new; [ -s a/new ] || echo empty; [ -L a/b/link ] && echo link
while read -r word rest; do echo "<$word|$rest>"; done <<EOF
one two three
four   five
EOF
( cd a/b && find . -type f | sort )
find a -type f | sort | xargs cat | shasum -a 256
rm a/b/link; tar -c -f all.tar a; mkdir back; (cd back && tar -x -f ../all.tar .); find back -type f | sort | xargs cat | shasum -a 256
cp a/f6 z && gzip z && gzip -d z.gz && cmp z a/f6 && echo zipped
x=$(fail now 2>&1) || echo "said <$x> $?"
(echo out; echo err >&2) 2> err.txt | tee copy.txt; cat err.txt
seq 1 20000 | head -n 2
seq 1 20000 | tail -n 1
(echo one > "$HOME/t/1") & (echo two > "$HOME/t/2") & wait; cat "$HOME"/t/*
trap 'echo trapped' EXIT
case a/f7 in a/f[0-9]) echo matches;; *) echo no;; esac
rm -r back all.tar a/b/c; [ ! -e a/b/c ] && echo removed
ls a | tail -n 4
cat missing 2>/dev/null || echo "missing $?"
exit 7
`

func core() realProgram {
	p := realProgram{name: "u-root", files: map[string]string{"script": script}, steps: []realStep{
		{args: []string{"gosh", "script"}},
		{args: []string{"gosh"}, stdin: "echo from stdin\nfor f in a/f1?; do cat $f; done | sort\nnosuchcommand; echo $?\n"},
	}}
	for _, tool := range coreTools {
		p.pkgs = append(p.pkgs, uroot+tool)
	}
	return p
}

func hugo() realProgram {
	files := map[string]string{
		"hugo.toml":                     "baseURL = 'https://example.org/'\ntitle = 'A site'\nenableGitInfo = false\n[taxonomies]\ntag = 'tags'\n",
		"layouts/baseof.html":           "<!doctype html><title>{{ .Title }}</title>{{ partial \"head.html\" . }}{{ block \"main\" . }}{{ end }}\n",
		"layouts/_partials/head.html":   "{{ with resources.Get \"site.css\" | minify | fingerprint }}<link rel=stylesheet href='{{ .RelPermalink }}'>{{ end }}\n",
		"layouts/home.html":             "{{ define \"main\" }}{{ range site.RegularPages.ByDate }}<a href='{{ .RelPermalink }}'>{{ .Title }} {{ .WordCount }}</a>\n{{ end }}{{ end }}\n",
		"layouts/page.html":             "{{ define \"main\" }}{{ .TableOfContents }}{{ .Content }}{{ range .GetTerms \"tags\" }}{{ .LinkTitle }} {{ end }}{{ end }}\n",
		"layouts/list.html":             "{{ define \"main\" }}<h1>{{ .Title }}</h1>{{ range .Pages }}<li>{{ .Title }}{{ end }}{{ end }}\n",
		"layouts/_shortcodes/loud.html": "<b>{{ .Inner | upper }}</b>",
		"assets/site.css":               "body { color : red ; }\n",
		"static/a/file.txt":             "as it is\n",
	}
	for i := range 60 {
		files[fmt.Sprintf("content/posts/p%d.md", i)] = fmt.Sprintf("---\ntitle: Post %d\ndate: 2024-01-%02dT10:%02d:00Z\ntags: [t%d, all]\n---\n"+
			"# One\n\nText *with* `code` {{< loud >}}loud{{< /loud >}}.\n\n## Two\n\n```go\nfunc main() { fmt.Println(%d) }\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
			i, i%28+1, i, i%4, i)
	}
	return realProgram{name: "hugo", module: "test/realprograms/hugo", pkgs: []string{"github.com/gohugoio/hugo"}, files: files,
		steps:  []realStep{{args: []string{"hugo", "build", "--quiet", "--minify", "--noBuildLock", "--cacheDir", "/tmp/hugo"}}},
		except: `^public/.*\.lock$`,
	}
}
