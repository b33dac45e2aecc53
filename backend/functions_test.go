package backend_test

import (
	"strings"
	"testing"

	"holdfast/backend/resp"
)

const sampleLibrary = `#!lua name=sample
local function double(n) return 2 * n end
redis.register_function('double', function(keys, args) return double(args[1]) end)
redis.register_function('fill', function(keys, args)
	redis.call('SET', keys[1], args[1])
	return redis.call('INCR', keys[1])
end)
redis.register_function{function_name='look', flags={'no-writes'}, callback=function(keys) return redis.call('GET', keys[1]) end}
`

// libraries is what FUNCTION LIST says, in one line.
func libraries(p *process) string {
	var flat func(v resp.Value) string
	flat = func(v resp.Value) string {
		out := v.Text
		for _, e := range v.Elems {
			out += " " + flat(e)
		}
		return out
	}
	return flat(p.must("FUNCTION LIST"))
}

// Libraries reach replicas of either kind, in the snapshot of a full resync and
// in the stream, and what functions change does too.
func TestFunctionsReplicate(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(t *testing.T) *process{
		"node":  func(t *testing.T) *process { return begin(t, t.TempDir()) },
		"redis": func(t *testing.T) *process { return redis(t) },
	}
	for _, chain := range []string{"node redis node", "redis node redis"} {
		t.Run(chain, func(t *testing.T) {
			var all []*process
			for kind := range strings.FieldsSeq(chain) {
				all = append(all, kinds[kind](t))
			}
			m := all[0]
			load := func(code string) {
				t.Helper()
				if _, err := ask(t, m.data, "FUNCTION", "LOAD", "REPLACE", code); err != nil {
					t.Fatal(err)
				}
			}
			load(sampleLibrary)
			for i := 1; i < len(all); i++ {
				all[i].follows(all[i-1])
			}
			load("#!lua name=second\nredis.register_function('two', function() return 2 end)")
			load("#!lua name=third\nredis.register_function('three', function() return 3 end)")
			m.must("FUNCTION DELETE third")
			if got := m.must("FCALL fill 1 k 41").Int; got != 42 {
				t.Errorf("FCALL: %d", got)
			}
			for _, p := range all[1:] {
				equal(t, m, p)
				if got := p.must("FCALL_RO look 1 k").Text; got != "42" {
					t.Errorf("a function on a replica: %q", got)
				}
				if got := p.must("FUNCTION STATS").Elems[3].Elems[1].Elems; got[1].Int != 2 || got[3].Int != 4 {
					t.Errorf("%d libraries, %d functions", got[1].Int, got[3].Int)
				}
				if _, err := ask(t, p.data, "FCALL", "fill", "1", "k", "1"); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
					t.Errorf("a writing function on a replica: %v", err)
				}
			}
			dump := m.must("FUNCTION DUMP").Text
			m.must("FUNCTION FLUSH")
			if _, err := ask(t, m.data, "FUNCTION", "RESTORE", dump); err != nil {
				t.Error(err)
			}
			m.must("SET k end")
			for _, p := range all[1:] {
				equal(t, m, p)
				if got := p.must("FCALL_RO look 1 k").Text; got != "end" {
					t.Errorf("a restored function on a replica: %q", got)
				}
			}
			if _, err := ask(t, all[len(all)-1].data, "FUNCTION", "DELETE", "sample"); err == nil || !strings.HasPrefix(err.Error(), "READONLY") {
				t.Errorf("FUNCTION DELETE on a replica: %v", err)
			}
		})
	}
}

// The snapshot file has the libraries, and what a node dumps Redis restores.
func TestFunctionsAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := begin(t, dir)
	if _, err := ask(t, p.data, "FUNCTION", "LOAD", sampleLibrary); err != nil {
		t.Fatal(err)
	}
	p.must("SAVE")
	before := libraries(p)
	p.stop()
	p = begin(t, dir).loaded()
	if got := libraries(p); got != before || !strings.Contains(got, "double") {
		t.Errorf("after a restart: %q, before: %q", got, before)
	}
	r := redis(t)
	if _, err := ask(t, r.data, "FUNCTION", "RESTORE", p.must("FUNCTION DUMP").Text); err != nil {
		t.Error(err)
	}
	if got := r.must("FCALL double 0 4").Int; got != 8 {
		t.Errorf("in redis-server: %d", got)
	}
	if _, err := ask(t, p.data, "FUNCTION", "RESTORE", r.must("FUNCTION DUMP").Text, "REPLACE"); err != nil {
		t.Error(err)
	}
}
