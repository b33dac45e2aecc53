package backend

import (
	"time"

	"holdfast/backend/command"
	"holdfast/backend/internal/commands"
)

var latencyRows = []row{
	{"latency|latest", latencyLatest},
	{"latency|history", latencyHistory},
	{"latency|reset", latencyReset},
	{"latency|graph", latencyGraph},
	{"latency|doctor", latencyDoctor},
	{"latency|histogram", latencyHistogram},
}

// noteEvent tells the latency monitor of what took so long, if that is as long as
// latency-monitor-threshold asks for (0: the monitor is off).
func (n *Node) noteEvent(event string, took time.Duration) {
	if at := n.cfg().LatencyMonitorThreshold; at > 0 && took >= at {
		n.latency.Add(event, n.now, took)
	}
}

func latencyLatest(s *session, x *commands.Ctx) {
	events := s.node.latency.Events()
	x.Array(len(events))
	for _, event := range events {
		series := s.node.latency.Series(event)
		x.Array(4)
		x.BulkString(event)
		x.Int(series.Last().At)
		x.Int(series.Last().Ms)
		x.Int(series.Worst)
	}
}

func latencyHistory(s *session, x *commands.Ctx) {
	series := s.node.latency.Series(string(x.Args[2]))
	if series == nil {
		x.Array(0)
		return
	}
	x.Array(len(series.Samples))
	for _, v := range series.Samples {
		x.Array(2)
		x.Int(v.At)
		x.Int(v.Ms)
	}
}

func latencyReset(s *session, x *commands.Ctx) {
	names := texts(x.Args[2:])
	if len(names) == 0 {
		names = s.node.latency.Events()
	}
	forgotten := int64(0)
	for _, name := range names {
		if s.node.latency.Forget(name) {
			forgotten++
		}
	}
	x.Int(forgotten)
}

func latencyGraph(s *session, x *commands.Ctx) {
	event := string(x.Args[2])
	series := s.node.latency.Series(event)
	if series == nil {
		x.Err("ERR No samples available for event '" + event + "'")
		return
	}
	x.Out = appendText(x, series.Graph(event, s.node.now/1000))
}

func latencyDoctor(s *session, x *commands.Ctx) {
	n := s.node
	text := n.latency.Doctor(n.now / 1000)
	switch {
	case text != "":
	case n.cfg().LatencyMonitorThreshold == 0:
		text = "The latency monitor is off and has nothing to report. CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n"
	default:
		text = "No event has taken as long as latency-monitor-threshold.\n"
	}
	x.Out = appendText(x, text)
}

// latencyHistogram replies of the commands that are named, without a name of all,
// how many calls took at most 1, 2, 4, … µs.
func latencyHistogram(s *session, x *commands.Ctx) {
	var shown []*handler
	add := func(h *handler) {
		if h.times.Len() > 0 {
			shown = append(shown, h)
		}
	}
	n := s.node
	if len(x.Args) == 2 {
		for i := range n.handlers {
			add(&n.handlers[i])
		}
	}
	for _, name := range x.Args[2:] {
		c := command.Named(string(name))
		if c == nil {
			continue
		}
		add(&n.handlers[c.ID])
		for _, sub := range c.Subs {
			add(&n.handlers[sub.ID])
		}
	}
	x.Map(len(shown))
	for _, h := range shown {
		x.BulkString(h.cmd.Full)
		x.Map(2)
		x.BulkString("calls")
		x.Int(h.times.Len())
		x.BulkString("histogram_usec")
		steps := h.times.Steps()
		x.Map(len(steps))
		for _, step := range steps {
			x.Int(step.Usec)
			x.Int(step.Calls)
		}
	}
}

// latencyLines are those of INFO latencystats, with the percentiles of
// latency-tracking-info-percentiles in µs.
func (n *Node) latencyLines() (out []string) {
	for i := range n.handlers {
		if h := &n.handlers[i]; h.times.Len() > 0 {
			out = append(out, "latency_percentiles_usec_"+h.cmd.Full+":"+h.times.Percentiles(n.cfg().LatencyPercentiles...))
		}
	}
	return out
}
