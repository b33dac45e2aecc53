package backend_test

import (
	"fmt"
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
		latest := p.must("LATENCY LATEST").Elems
		if len(latest) != 1 || latest[0].Elems[0].Text != "command" || latest[0].Elems[2].Int < 30 {
			t.Errorf("LATENCY LATEST: %v", latest)
		}
		if got := p.must("LATENCY HISTORY command").Elems; len(got) != 1 || got[0].Elems[1].Int < 30 {
			t.Errorf("LATENCY HISTORY: %v", got)
		}
		if got := p.must("LATENCY GRAPH command").Text; !strings.HasPrefix(got, "command - high 3") {
			t.Errorf("LATENCY GRAPH: %s", got)
		}
		if got, _ := ask(t, p.data, "LATENCY", "GRAPH", "nosuch"); !strings.HasPrefix(got.Text, "ERR No samples") {
			t.Errorf("LATENCY GRAPH nosuch: %v", got)
		}
		if got := p.must("LATENCY DOCTOR").Text; !strings.Contains(got, "command: 1 latency spikes (average 3") {
			t.Errorf("LATENCY DOCTOR: %s", got)
		}
		if n := p.must("LATENCY RESET nosuch").Int; n != 0 {
			t.Errorf("%d were reset", n)
		}
		if n := p.must("LATENCY RESET").Int; n != 1 {
			t.Errorf("%d were reset, want 1", n)
		}
	})
}

// A time shows up in the same place of both histograms.
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
		if steps := h[1].Elems[3].Elems; len(steps) != 2 || steps[0].Int != 33816 || steps[1].Int != 1 {
			t.Errorf("30 ms are counted in %v", steps)
		}
		stats := p.must("INFO latencystats").Text
		if !strings.Contains(stats, "latency_percentiles_usec_debug:p50=3") || !strings.Contains(stats, ",p99.9=3") {
			t.Errorf("INFO latencystats: %s", stats)
		}
		var calls, usec int
		var each float64
		line := p.must("INFO commandstats").Text
		_, _ = fmt.Sscanf(line[strings.Index(line, "cmdstat_debug:"):], "cmdstat_debug:calls=%d,usec=%d,usec_per_call=%f", &calls, &usec, &each)
		if calls != 1 || usec < 30000 || int(each) != usec {
			t.Errorf("INFO commandstats: %s", line)
		}
		p.must("CONFIG SET latency-tracking no")
		p.must("CONFIG RESETSTAT")
		p.must("PING")
		if h := p.must("LATENCY HISTOGRAM").Elems; len(h) != 0 {
			t.Errorf("without latency-tracking: %v", h)
		}
	})
}
