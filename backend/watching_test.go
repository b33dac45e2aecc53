package backend_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// slow is what SLOWLOG GET tells of the words of each request, the newest first.
func (p *process) slow() (out []string) {
	p.t.Helper()
	for _, e := range p.must("SLOWLOG GET -1").Elems {
		out = append(out, strings.Join(e.Elems[3].Strings(), " "))
	}
	return out
}

func TestSlowlog(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		p.must("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 100")
		p.must("CLIENT SETNAME me")
		p.must("SLOWLOG RESET")
		w := p.wire()
		w.command("BLPOP l 0")
		p.blocked(1)
		p.must("RPUSH l x") // ends the wait, whose whole time then is known
		w.expect("*2\r\n$1\r\nl\r\n$1\r\nx\r\n")
		p.must("SADD s " + strings.Join(strings.Fields(strings.Repeat("x ", 40)), " "))
		p.must("SET a " + strings.Repeat("y", 130))
		p.must("CONFIG SET masterauth secret")
		_, _ = ask(t, p.data, "HELLO", "2", "AUTH", "default", "secret", "SETNAME", "me")
		w.command("MULTI", "GET a", "EXEC")
		w.expect("+OK\r\n+QUEUED\r\n*1\r\n$130\r\n")
		w.skipTo("\r\n")
		got := strings.Join(p.slow(), "\n")
		for _, want := range []string{
			"BLPOP l 0\nRPUSH l x\n", "SADD s " + strings.Repeat("x ", 29) + "... (11 more arguments)",
			"SET a " + strings.Repeat("y", 128) + "... (2 more bytes)", "CONFIG SET masterauth (redacted)\n",
			"HELLO 2 AUTH (redacted) (redacted) SETNAME me", "GET a\nMULTI\n",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
		if strings.Contains(got, "EXEC") {
			t.Errorf("EXEC is there:\n%s", got)
		}
		e := p.must("SLOWLOG GET 1").Elems[0].Elems
		if len(e) != 6 || e[5].Text != "me" || !strings.HasPrefix(e[4].Text, "127.0.0.1:") || e[1].Int < 1e9 {
			t.Errorf("entry %v", e)
		}
		p.must("CONFIG SET slowlog-max-len 2")
		if n := p.must("SLOWLOG LEN").Int; n != 2 {
			t.Errorf("%d entries, want 2", n)
		}
		if got, _ := ask(t, p.data, "SLOWLOG", "GET", "-2"); got.Text != "ERR count should be greater than or equal to -1" {
			t.Errorf("a negative count: %v", got)
		}
	})
}

func TestLatency(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		if got := p.must("LATENCY LATEST").Elems; len(got) != 0 {
			t.Errorf("without a threshold: %v", got)
		}
		p.must("CONFIG SET latency-monitor-threshold 20")
		p.must("DEBUG SLEEP 0.03")
		p.must("CONFIG SET latency-monitor-threshold 0") // what follows may be slow, too, on a busy machine
		latest := p.must("LATENCY LATEST").Elems
		if len(latest) == 0 || latest[0].Elems[0].Text != "command" || latest[0].Elems[3].Int < 30 {
			t.Fatalf("LATENCY LATEST: %v", latest)
		}
		history := p.must("LATENCY HISTORY command").Elems
		var sum int64
		low, high := history[0].Elems[1].Int, history[0].Elems[1].Int
		for _, v := range history {
			low, high, sum = min(low, v.Elems[1].Int), max(high, v.Elems[1].Int), sum+v.Elems[1].Int
		}
		if low < 20 || high != latest[0].Elems[3].Int || history[len(history)-1].Elems[1].Int != latest[0].Elems[2].Int {
			t.Errorf("LATENCY HISTORY: %v, LATEST: %v", history, latest)
		}
		want := fmt.Sprintf("command - high %d ms, low %d ms (all time high %d ms)\n", high, low, high)
		if got := p.must("LATENCY GRAPH command").Text; !strings.HasPrefix(got, want) {
			t.Errorf("LATENCY GRAPH: %s", got)
		}
		if got, _ := ask(t, p.data, "LATENCY", "GRAPH", "nosuch"); !strings.HasPrefix(got.Text, "ERR No samples") {
			t.Errorf("LATENCY GRAPH nosuch: %v", got)
		}
		want = fmt.Sprintf("command: %d latency spikes (average %dms", len(history), sum/int64(len(history)))
		if got := p.must("LATENCY DOCTOR").Text; !strings.Contains(got, want) {
			t.Errorf("LATENCY DOCTOR: %s", got)
		}
		if n := p.must("LATENCY RESET nosuch").Int; n != 0 {
			t.Errorf("%d were reset", n)
		}
		if n := p.must("LATENCY RESET").Int; n != int64(len(latest)) {
			t.Errorf("%d were reset, want %d", n, len(latest))
		}
	})
}

// step is the time of a histogram at which a command of so many µs is counted: 1024
// ns, doubled until it is enough, and the width of a bar, which is a 128th.
func step(usec int64) int64 {
	for bound := int64(1024); ; bound *= 2 {
		if at := (bound + bound/128 - 1) / 1000; usec <= at {
			return at
		}
	}
}

// A time shows up in the same place of both histograms, however long the command
// took in the end.
func TestLatencyHistogram(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, p *process) {
		p.must("CONFIG RESETSTAT")
		p.must("DEBUG SLEEP 0.03")
		p.must("PING")
		h := p.must("LATENCY HISTOGRAM debug nosuch get ping").Elems
		if len(h) != 4 || h[0].Text != "debug" || h[1].Elems[1].Int != 1 {
			t.Fatalf("LATENCY HISTOGRAM: %v", h)
		}
		var calls, usec int64
		var each, median, worst float64
		line := p.must("INFO commandstats").Text
		_, _ = fmt.Sscanf(line[strings.Index(line, "cmdstat_debug:"):], "cmdstat_debug:calls=%d,usec=%d,usec_per_call=%f", &calls, &usec, &each)
		if calls != 1 || usec < 30000 || int64(each) != usec {
			t.Errorf("INFO commandstats: %s", line)
		}
		if steps := h[1].Elems[3].Elems; len(steps) != 2 || steps[0].Int != step(usec) || steps[1].Int != 1 {
			t.Errorf("%d us are counted in %v", usec, steps)
		}
		line = p.must("INFO latencystats").Text
		const name = "latency_percentiles_usec_debug:"
		_, _ = fmt.Sscanf(line[max(strings.Index(line, name), 0):], name+"p50=%f,p99=%f,p99.9=%f", &median, &worst, &worst)
		if off := float64(usec) / 100; math.Abs(median-float64(usec)) > off || median != worst {
			t.Errorf("of one command of %d us INFO latencystats says %s", usec, line)
		}
		p.must("CONFIG SET latency-tracking no")
		p.must("CONFIG RESETSTAT")
		p.must("PING")
		if h := p.must("LATENCY HISTOGRAM").Elems; len(h) != 0 {
			t.Errorf("without latency-tracking: %v", h)
		}
	})
}
