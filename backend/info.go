package backend

import (
	"fmt"
	"strings"

	"holdfast/backend/internal/commands"
)

// infoSection is one section of INFO. Those that are not shown by default are
// part of "all".
type infoSection struct {
	name   string
	extra  bool
	fields func(n *Node, b *infoText)
}

var infoSections = []infoSection{
	{"Server", false, infoServer},
	{"Clients", false, infoClients},
	{"Memory", false, infoMemory},
	{"Persistence", false, infoPersistence},
	{"Stats", false, infoStats},
	{"Replication", false, infoReplication},
	{"CPU", false, infoCPU},
	{"Modules", false, func(*Node, *infoText) {}},
	{"Commandstats", true, infoCommands},
	{"Errorstats", false, infoErrors},
	{latencySection, true, infoLatencies},
	{"Cluster", false, func(_ *Node, b *infoText) { b.field("cluster_enabled", 0) }},
	{"Keyspace", false, infoKeyspace},
	{debugSection, true, infoDebug},
}

// debugSection is the name of the section that is no part of "all".
const debugSection = "Debug"

// latencySection is the name of the section that takes work to make.
const latencySection = "Latencystats"

// infoText collects the lines of INFO.
type infoText struct{ strings.Builder }

func (b *infoText) field(name string, value any) { fmt.Fprintf(b, "%s:%v\r\n", name, value) }

func (b *infoText) line(format string, args ...any) { fmt.Fprintf(b, format+"\r\n", args...) }

// zeros prints fields of Redis for what does not exist here.
func (b *infoText) zeros(names ...string) {
	for _, name := range names {
		b.field(name, 0)
	}
}

func info(s *session, x *commands.Ctx) {
	s.node.takeFiguresFor(x.Args[1:])
	x.Out = appendText(x, s.node.info(x.Args[1:]))
}

// info prints the sections asked for; without a name those of the default.
func (n *Node) info(names [][]byte) string {
	var b infoText
	for _, s := range infoSections {
		if !s.wanted(names) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + s.name + "\r\n")
		s.fields(n, &b)
	}
	return b.String()
}

func (s *infoSection) wanted(names [][]byte) bool {
	if len(names) == 0 {
		return !s.extra
	}
	for _, name := range names {
		switch w := strings.ToLower(string(name)); w {
		case "all", "everything":
			if s.name != debugSection {
				return true
			}
		case strings.ToLower(s.name):
			return true
		case "default":
			if !s.extra {
				return true
			}
		}
	}
	return false
}

// human prints bytes as Redis does in the fields for people.
func human(bytes int64) string {
	if bytes < 1024 {
		return fmt.Sprintf("%dB", bytes)
	}
	v, unit := float64(bytes), "B"
	for _, next := range []string{"K", "M", "G", "T"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, next
	}
	return fmt.Sprintf("%.2f%s", v, unit)
}

func boolInt(v bool) int {
	if v {
		return 1
	}
	return 0
}
