package conf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/BurntSushi/toml"
)

var (
	errTable      = errors.New("there is no such table")
	errMonitors   = errors.New("groups are written as tables [[monitor]]")
	errNoName     = errors.New("every [[monitor]] needs a name")
	errNameString = errors.New("a name is a string")
)

// toml reads a TOML document. The library says what the values are; scanTOML, which knows only the outline, says where
// they stand.
func (r *reader) toml(name, data string) {
	var doc map[string]any
	if _, err := toml.Decode(data, &doc); err != nil {
		var parse toml.ParseError
		if errors.As(err, &parse) {
			r.problems.add(Place{name, parse.Position.Line}, parse.LastKey, errors.New(parse.Message))
		} else {
			r.problems.add(Place{name, 0}, "", err)
		}
		return
	}
	t := tomlReader{reader: r, name: name, outline: scanTOML(data)}
	first := len(r.settings)
	for key, value := range doc {
		if key == "monitor" {
			t.monitors(value)
		} else {
			t.value(key, key, "", value)
		}
	}
	// The document came as a map: the order of its lines makes messages and repeated runs the same.
	slices.SortStableFunc(r.settings[first:], func(a, b setting) int {
		return cmp.Or(cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(a.key, b.key))
	})
}

type tomlReader struct {
	*reader
	name    string
	outline outline
}

// value takes one key: path is where it stands in the document, key what the table calls it.
func (t *tomlReader) value(path, key, monitor string, value any) {
	at := Place{t.name, t.outline.line(path)}
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 && !hasTable(t.part, key) {
			t.problems.add(at, key, errTable)
		}
		for sub, value := range v {
			t.value(path+"."+sub, key+"."+sub, monitor, value)
		}
	case []map[string]any:
		t.problems.add(at, key, errTable)
	default:
		t.settings = append(t.settings, setting{at: at, key: key, monitor: monitor, value: value})
	}
}

// monitors takes the array of tables [[monitor]].
func (t *tomlReader) monitors(value any) {
	groups, ok := value.([]map[string]any)
	if !ok {
		t.problems.add(Place{t.name, t.outline.line("monitor")}, "monitor", errMonitors)
		return
	}
	for i, group := range groups {
		path := fmt.Sprintf("monitor[%d]", i)
		at := Place{t.name, t.outline.line(path)}
		name, isString := group["name"].(string)
		switch {
		case group["name"] == nil:
			t.problems.add(at, "monitor", errNoName)
			continue
		case !isString:
			t.problems.add(at, "monitor.name", errNameString)
			continue
		}
		for key, value := range group {
			t.value(path+"."+key, monitorPrefix+key, name, value)
		}
	}
}
