package main

import (
	"bytes"
	"errors"
	"log/slog"
	"regexp"
	"sync"
	"testing"
)

func TestLinesAreRedisLines(t *testing.T) {
	var out bytes.Buffer
	role, level := byte('S'), "notice"
	log := slog.New(&redisHandler{out: &out, mu: new(sync.Mutex),
		role: func() byte { return role }, level: levelFunc(func() string { return level })})
	for _, tc := range []struct {
		name string
		log  func()
		want string // behind the time; empty: nothing is written
	}{
		{"notice", func() { log.Info("Ready to accept connections tcp") }, `S … \* Ready to accept connections tcp`},
		{"warning", func() { log.Warn("+sdown master a 127.0.0.1 1") }, `S … # \+sdown master a 127\.0\.0\.1 1`},
		{"below the level", func() { log.Debug("noise") }, ""},
		{"level changed", func() { level = "debug"; log.Debug("noise") }, `S … \. noise`},
		{"verbose", func() { log.Log(t.Context(), levelVerbose, "Accepted") }, `S … - Accepted`},
		{"role changed", func() { role = 'M'; log.Info("I am master") }, `M … \* I am master`},
		{"attributes", func() { log.With("addr", "h:1").WithGroup("g").Info("Lost", "err", errors.New("no route"), "n", 3) },
			`M … \* Lost addr=h:1 g\.err="no route" g\.n=3`},
		{"no forged lines", func() { log.Info("a\nb") }, `M … \* a\\nb`},
		{"nothing", func() { level = "nothing"; log.Error("loud") }, ""},
	} {
		out.Reset()
		tc.log()
		want := "^$"
		if tc.want != "" {
			at := regexp.MustCompile("…").ReplaceAllString(tc.want, `\d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2}\.\d{3}`)
			want = `^\d+:` + at + `\n$`
		}
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%s: %q, want a match of %s", tc.name, out.String(), want)
		}
	}
}
