package conf

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The units start each part with flags that it knows.
func TestUnitsStartTheirPart(t *testing.T) {
	for _, part := range parts {
		unit, err := os.ReadFile("systemd/holdfast-" + part.String() + ".service")
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindSubmatch(unit)
		if m == nil {
			t.Fatalf("%s: no ExecStart", part)
		}
		words := strings.Fields(string(m[1]))
		equal(t, "command", words[:2], []string{"/usr/local/bin/holdfast", part.String()})
		file, flags := SplitFlags(words[2:])
		equal(t, "file", file, "/etc/holdfast/"+part.String()+".toml")
		r := reader{part: part}
		r.flags(flags)
		said := gather(part, r.settings)
		if err := append(r.problems, said.problems...).err(); err != nil {
			t.Errorf("%s: %v", part, err)
		}
		if managed := said.find(Lookup(part, "managed"), ""); part == Node && (managed == nil || managed.texts[0] != "yes") {
			t.Error("a node under systemd must be managed: it may be restarted at any time")
		}
	}
}
