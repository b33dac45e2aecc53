package main

import (
	"bytes"
	"os/exec"
	"regexp"
	"testing"
	"time"
)

func TestMedian(t *testing.T) {
	for _, tc := range []struct {
		figures []float64
		want    float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 100}, 3}} {
		if got := median(tc.figures); got != tc.want {
			t.Errorf("median of %v: %v, want %v", tc.figures, got, tc.want)
		}
	}
}

func TestReportPrintsRatiosOfMedians(t *testing.T) {
	o := &options{rounds: 3, depths: []int{1}, conns: 50}
	r := newReport([]system{systems[0], systems[3]})
	for _, rate := range []float64{100, 300, 200} {
		r.add(systems[0], []sample{{depth: 1, rate: rate, cpu: 10 * time.Microsecond}})
		r.add(systems[3], []sample{{depth: 1, rate: rate / 2, cpu: 14 * time.Microsecond}})
	}
	var out bytes.Buffer
	r.printThroughput(&out, o)
	for _, want := range []string{
		`redis-server alone +200 +1\.00 +100 +300 +10\.00 +1\.00`,
		`holdfast proxy → redis-server +100 +0\.50 +50 +150 +14\.00 +1\.40`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("no match of %s in\n%s", want, &out)
		}
	}
}

// A short round of what is installed, with both clients.
func TestARoundOfWhatIsInstalled(t *testing.T) {
	for _, program := range []string{"redis-server", "redis-benchmark"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("skipped, because this machine lacks %s", program)
		}
	}
	for _, o := range []*options{
		{client: "redis-benchmark"},
		{client: "own"},
		{client: "own", rate: 2000, duration: 300 * time.Millisecond},
	} {
		o.rounds, o.requests, o.deep, o.depths, o.conns, o.size, o.keyspace = 1, 1000, 4000, []int{1, 16}, 5, 16, 100
		o.systems = []string{"redis", "nutcracker", "haproxy"}
		if err := run(t.Context(), o); err != nil {
			t.Errorf("client %s, rate %v: %v", o.client, o.rate, err)
		}
	}
	if err := run(t.Context(), &options{systems: []string{"nonesuch"}}); err == nil {
		t.Error("an unknown system was accepted")
	}
}
