package conf

import (
	"net"
	"slices"
	"strings"
)

// editLines makes one change to a file in the syntax of redis.conf: the first line of the directive is replaced, its
// other lines go, and a directive that has no line yet is put at the end.
func editLines(text string, d *Directive, c Change) string {
	var out []string
	fresh := freshLines(d, c)
	written := false
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		words, _ := SplitArgs(line)
		switch {
		case strings.HasPrefix(strings.TrimLeft(line, blanks), "#") || !says(words, d, c):
			out = append(out, line)
		case onMonitorLine(d) && !c.Remove:
			out = append(out, monitorLine(words, d, c.Text))
			written = true
		case !written:
			out = append(out, fresh...)
			written = true
		}
	}
	if !written {
		out = append(out, fresh...)
	}
	return strings.TrimLeft(strings.Join(out, "\n")+"\n", "\n")
}

// onMonitorLine reports whether the directive is one of the three that `sentinel monitor NAME HOST PORT QUORUM` holds.
func onMonitorLine(d *Directive) bool {
	return d.Name == "monitor.name" || d.Name == "monitor.master" || d.Name == "monitor.quorum"
}

// says reports whether a line, as words, is one of the directive's.
func says(words []string, d *Directive, c Change) bool {
	if len(words) == 0 {
		return false
	}
	name := strings.ToLower(words[0])
	if name != "sentinel" {
		return c.Monitor == "" && (name == d.Name || name == d.Alias)
	}
	if len(words) < 3 {
		return false
	}
	option := strings.ToLower(words[1])
	if c.Monitor == "" {
		return option == d.Name || option == d.Alias
	}
	if words[2] != c.Monitor {
		return false
	}
	switch {
	case d.Name == "monitor.name" && c.Remove:
		return Lookup(Sentinel, monitorPrefix+option) != nil || option == "monitor" || strings.HasPrefix(option, "known-") ||
			option == "config-epoch" || option == "leader-epoch"
	case onMonitorLine(d):
		return option == "monitor" && len(words) == 6
	case d.Name == "monitor.replicas":
		return option == "replicas" || option == "known-replica" || option == "known-slave"
	}
	return option == shortKey(d.Name)
}

// monitorLine writes `sentinel monitor` anew with one of its words changed.
func monitorLine(words []string, d *Directive, text string) string {
	switch d.Name {
	case "monitor.master":
		if host, port, err := net.SplitHostPort(text); err == nil {
			words[3], words[4] = host, port
		}
	case "monitor.quorum":
		words[5] = text
	}
	return JoinArgs(words)
}

// freshLines are the lines that say the change; none when it takes the directive out.
func freshLines(d *Directive, c Change) []string {
	if c.Remove || d.Name == "monitor.name" || d.Name == "monitor.quorum" {
		return nil // a quorum without a master's line has no place to stand
	}
	if d.Name == "monitor.master" {
		quorum := Lookup(Sentinel, "monitor.quorum").Default
		return []string{monitorLine([]string{"sentinel", "monitor", c.Monitor, "", "", quorum}, d, c.Text)}
	}
	var lines []string
	for _, words := range values(d, c.Text) {
		lines = append(lines, JoinArgs(append(opening(d, c), words...)))
	}
	return lines
}

// opening is how a line of the directive begins.
func opening(d *Directive, c Change) []string {
	switch {
	case d.Name == "monitor.replicas":
		return []string{"sentinel", "known-replica", c.Monitor}
	case c.Monitor != "":
		return []string{"sentinel", shortKey(d.Name), c.Monitor}
	case strings.HasPrefix(d.Name, "raft."):
		return []string{"sentinel", d.Alias}
	case slices.ContainsFunc(sentinelTable, func(row Directive) bool { return row.Name == d.Name }):
		return []string{"sentinel", d.Name}
	}
	return []string{d.Name}
}

// values are the words of each line that is needed to say the value.
func values(d *Directive, text string) [][]string {
	var lines [][]string
	switch {
	case d.Type == Lines:
		for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' }) {
			lines = append(lines, splitOrNil(line))
		}
	case d.Type == Renames:
		for pair := range slices.Chunk(splitOrNil(text), 2) {
			lines = append(lines, pair)
		}
	case d.Name == "monitor.replicas":
		for _, addr := range splitOrNil(text) {
			host, port, _ := net.SplitHostPort(addr)
			lines = append(lines, []string{host, port})
		}
	case d.Type.takesWords() && text != "":
		lines = append(lines, splitOrNil(text))
	default:
		lines = append(lines, []string{text})
	}
	return lines
}
