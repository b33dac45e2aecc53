package conf

import (
	"maps"
	"reflect"
)

// fieldPaths finds the field of each directive in a config struct, through embedded and nested structs.
type fieldPaths map[string][]int

var paths = map[reflect.Type]fieldPaths{
	reflect.TypeFor[NodeConfig]():     tagged(reflect.TypeFor[NodeConfig](), nil),
	reflect.TypeFor[SentinelConfig](): tagged(reflect.TypeFor[SentinelConfig](), nil),
	reflect.TypeFor[ProxyConfig]():    tagged(reflect.TypeFor[ProxyConfig](), nil),
	reflect.TypeFor[Monitor]():        tagged(reflect.TypeFor[Monitor](), nil),
}

func tagged(t reflect.Type, above []int) fieldPaths {
	found := fieldPaths{}
	for i := range t.NumField() {
		f, path := t.Field(i), append(above[:len(above):len(above)], i)
		if name, ok := f.Tag.Lookup("conf"); ok {
			found[name] = path
		} else if f.Type.Kind() == reflect.Struct {
			maps.Copy(found, tagged(f.Type, path))
		}
	}
	return found
}

// field is the settable field of a directive in *cfg; the zero Value when the struct has none.
func field[C Config | Monitor](cfg *C, d *Directive) reflect.Value {
	v := reflect.ValueOf(cfg).Elem()
	path, ok := paths[v.Type()][d.Name]
	if !ok {
		return reflect.Value{}
	}
	return v.FieldByIndex(path)
}

// assign parses text and stores it in the directive's field of *cfg. Directives without a field are parsed all the same,
// so that a wrong value is an error although it would do nothing.
func assign[C Config | Monitor](cfg *C, d *Directive, text string) error {
	f := field(cfg, d)
	var base any
	if f.IsValid() {
		base = f.Interface()
	}
	v, err := d.Parse(text, base)
	if err != nil || !f.IsValid() {
		return err
	}
	if v == nil || reflect.ValueOf(v).Kind() == reflect.Slice && reflect.ValueOf(v).Len() == 0 {
		f.SetZero()
		return nil
	}
	f.Set(reflect.ValueOf(v))
	return nil
}

// setDefaults fills *cfg from the table. A default that does not parse is a fault of the table, which its test finds.
func setDefaults[C Config | Monitor](cfg *C, part Part, monitor bool) {
	for _, d := range Directives(part) {
		if isMonitorKey(d) == monitor {
			if err := assign(cfg, d, d.Default); err != nil {
				panic("conf: default of " + d.Name + ": " + err.Error())
			}
		}
	}
}

// partOf is the part whose configuration C is.
func partOf[C Config]() Part {
	var c C
	switch any(c).(type) {
	case NodeConfig:
		return Node
	case SentinelConfig:
		return Sentinel
	}
	return Proxy
}

// NewMonitor is a monitored group with every default, for groups that come to be at run time (SENTINEL MONITOR).
func NewMonitor(name, master string) Monitor {
	m := Monitor{}
	setDefaults(&m, Sentinel, true)
	m.Name, m.Master = name, master
	return m
}
