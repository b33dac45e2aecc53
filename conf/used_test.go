package conf

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// readers are the folders whose code goes by the configuration of a part.
var readers = map[Part][]string{
	Node:     {"../backend", "../cmd/holdfast", "."},
	Sentinel: {"../election", "../cmd/holdfast", "../backend/netio", "."},
	Proxy:    {"../proxy", "../cmd/holdfast", "../backend/netio", "."},
}

// checks are the files of this package that look at values without putting them to use.
var checks = []string{"validate.go"}

// The samples are the manual: what they show does something. A directive whose field no code of its part reads is one
// that the table has to call Inert, or must not know.
func TestEveryFieldIsRead(t *testing.T) {
	for part, typ := range map[Part]reflect.Type{
		Node: reflect.TypeFor[NodeConfig](), Sentinel: reflect.TypeFor[SentinelConfig](), Proxy: reflect.TypeFor[ProxyConfig](),
	} {
		code := sourceOf(t, readers[part])
		for name, path := range paths[typ] {
			wantRead(t, code, part, name, typ.FieldByIndex(path).Name)
		}
	}
	code := sourceOf(t, readers[Sentinel])
	for name, path := range paths[reflect.TypeFor[Monitor]()] {
		wantRead(t, code, Sentinel, name, reflect.TypeFor[Monitor]().FieldByIndex(path).Name)
	}
}

func wantRead(t *testing.T, code string, part Part, name, field string) {
	if name == "resolve-hostnames" { // the check of the addresses is all that it does
		return
	}
	if !regexp.MustCompile(`\.` + field + `\b`).MatchString(code) {
		t.Errorf("%s takes %s, but nothing reads %s", part, name, field)
	}
}

// sourceOf is all code below the folders but tests and checks.
func sourceOf(t *testing.T, folders []string) string {
	var code strings.Builder
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, name := range checks {
				if path == name {
					return nil
				}
			}
			text, err := os.ReadFile(path)
			code.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return code.String()
}

// Whoever chooses among words must find them where the directive stands.
func TestSamplesNameTheWords(t *testing.T) {
	for _, part := range parts {
		for _, d := range Directives(part) {
			if len(d.Enum) == 0 || d.Inert != "" || d.Has(Hidden) {
				continue
			}
			_, key := cutTable(d.Name)
			prose := regexp.MustCompile(`(?m)((?:^# .*\n)+)#` + key + ` = `).FindString(Sample(part))
			for _, word := range d.Enum {
				if !regexp.MustCompile(`\b` + regexp.QuoteMeta(word) + `\b`).MatchString(prose) {
					t.Errorf("%s.toml does not say that %s may be %s:\n%s", part, d.Name, word, prose)
				}
				if !strings.Contains(d.Doc, word) {
					t.Errorf("the table does not say that %s may be %s", d.Name, word)
				}
			}
		}
	}
}

// cutTable splits a directive's name into its table and its key.
func cutTable(name string) (table, key string) {
	if before, after, found := strings.Cut(name, "."); found {
		return before, after
	}
	return "", name
}
