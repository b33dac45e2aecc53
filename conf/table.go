package conf

import (
	"math"
	"slices"
	"strings"
)

const (
	minInt32  = math.MinInt32
	maxInt32  = math.MaxInt32
	maxUint32 = math.MaxUint32
)

// table is the one table of directives, in the order of the manual.
var table = slices.Concat(commonTable, nodeTable, sentinelTable, proxyTable, inertTable)

// index finds a part's row by name or alias.
var index = func() map[Part]map[string]*Directive {
	m := map[Part]map[string]*Directive{}
	for _, p := range []Part{Node, Sentinel, Proxy} {
		m[p] = map[string]*Directive{}
		for i := range table {
			d := &table[i]
			if d.In&p == 0 {
				continue
			}
			m[p][d.Name] = d
			if d.Alias != "" {
				m[p][d.Alias] = d
			}
		}
	}
	return m
}()

// Directives lists the rows a part knows, in the order of the manual. The rows are shared and not to be changed.
func Directives(part Part) []*Directive {
	var out []*Directive
	for i := range table {
		if table[i].In&part != 0 {
			out = append(out, &table[i])
		}
	}
	return out
}

// Lookup finds a part's directive by its name or its older name, whatever the case; nil when the part knows none.
func Lookup(part Part, name string) *Directive {
	return index[part][strings.ToLower(name)]
}

// isMonitorKey reports whether the directive belongs to a monitored group, of which there may be many.
func isMonitorKey(d *Directive) bool { return strings.HasPrefix(d.Name, monitorPrefix) }

const monitorPrefix = "monitor."

// hasTable reports whether the part knows keys in a TOML table of that name.
func hasTable(part Part, name string) bool {
	return slices.ContainsFunc(Directives(part), func(d *Directive) bool { return strings.HasPrefix(d.Name, name+".") })
}

// otherPart names a part that knows name where this one does not; 0 when none does.
func otherPart(part Part, name string) Part {
	for _, p := range []Part{Node, Sentinel, Proxy} {
		if p != part && Lookup(p, name) != nil {
			return p
		}
	}
	return 0
}

// Nearest is the name of the part's directive that takes the fewest edits to reach, or "" when none is close: half of a
// short name changed is no typing error.
func Nearest(part Part, name string) string {
	name = strings.ToLower(name)
	own := name[strings.LastIndexByte(name, '.')+1:] // without its table, which may well be right
	best, at := "", min(len(own)/2, 4)
	for _, d := range Directives(part) {
		if d.Has(Hidden) {
			continue
		}
		for _, known := range []string{d.Name, d.Alias} {
			if n := distance(name, known); known != "" && n <= at && (n < at || best == "") {
				best, at = known, n
			}
		}
	}
	return best
}

// distance is the Levenshtein distance of two names.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
