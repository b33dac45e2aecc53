package conf

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

// shown is a directive as a sample shows it: "#key = value" in one line, below its table's "#[table]".
var shown = regexp.MustCompile(`(?m)^#(\[+[a-z]+\]+|[a-z][a-z0-9-]* = .*)$`)

// sampleValues reads the directives a sample shows, by the table's names.
func sampleValues(t *testing.T, part Part) map[string]any {
	values, table := map[string]any{}, ""
	for _, m := range shown.FindAllStringSubmatch(Sample(part), -1) {
		if m[1][0] == '[' {
			table = strings.Trim(m[1], "[]") + "."
			continue
		}
		var one map[string]any
		if _, err := toml.Decode(m[1], &one); err != nil {
			t.Errorf("%s.toml: %s: %v", part, m[1], err)
		}
		for key, value := range one {
			if _, twice := values[table+key]; twice {
				t.Errorf("%s.toml shows %s twice", part, table+key)
			}
			values[table+key] = value
		}
	}
	return values
}

// The samples show an example where there is no default to show.
var examples = []string{"raft.id", "raft.listen", "raft.advertise", "raft.members", "monitor.name", "monitor.master",
	"monitor.replicas", "sentinels", "group"}

func canonical(t *testing.T, d *Directive, text string) string {
	v, err := d.Parse(text, nil)
	if err != nil {
		t.Errorf("%s %q: %v", d.Name, text, err)
		return text
	}
	return d.Format(v)
}

func TestSamplesShowTheTable(t *testing.T) {
	for _, part := range parts {
		values := sampleValues(t, part)
		for _, d := range Directives(part) {
			value, ok := values[d.Name]
			delete(values, d.Name)
			if meant := d.Inert == "" && !d.Has(Hidden); meant != ok {
				t.Errorf("%s.toml: %s is shown: %v, means something: %v", part, d.Name, ok, meant)
				continue
			}
			if !ok {
				continue
			}
			text, err := tomlText(d, value)
			if err != nil {
				t.Errorf("%s.toml: %s: %v", part, d.Name, err)
			}
			got, want := canonical(t, d, text), canonical(t, d, d.Default)
			if got != want && !slices.Contains(examples, d.Name) {
				t.Errorf("%s.toml: %s is shown as %s, but its default is %q", part, d.Name, got, want)
			}
		}
		for name := range values {
			t.Errorf("%s.toml shows %s, which is in no row", part, name)
		}
	}
}

// A sample with every "#" taken away is a configuration that loads; as it stands it says nothing.
func TestSamplesLoad(t *testing.T) {
	t.Chdir(t.TempDir())
	uncomment := func(part Part) string {
		file := part.String() + ".toml"
		if err := os.WriteFile(file, []byte(shown.ReplaceAllString(Sample(part), "$1")), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	node, err := Load[NodeConfig](uncomment(Node), nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, "as-it-is.toml", Sample(Node))
	untouched, err := Load[NodeConfig]("as-it-is.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the sample", node.Get("*"), untouched.Get("*"))
	equal(t, "nothing said", *untouched.Config(), Default[NodeConfig]())
	sentinel, err := Load[SentinelConfig](uncomment(Sentinel), nil)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "members", len(sentinel.Config().Raft.Members), 3)
	equal(t, "monitor", sentinel.Config().Monitors[0].Name, "mymaster")
	if _, err := Load[ProxyConfig](uncomment(Proxy), nil); err != nil {
		t.Fatal(err)
	}
}
