package backend_test

import (
	"strings"
	"testing"
)

// DEBUG RELOAD brings back what the file has, beside or in place of what there
// is, libraries as well as keys.
func TestReload(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	load := func(name string) {
		t.Helper()
		if _, err := ask(t, p.data, "FUNCTION", "LOAD", "#!lua name="+name+"\nredis.register_function('"+name+"', function() return 1 end)"); err != nil {
			t.Fatal(err)
		}
	}
	p.must("RPUSH old a b")
	p.must("SET both file PX 1000000")
	load("one")
	p.must("DEBUG RELOAD")
	if got := reply(t, p.data, "DEBUG", "RELOAD", "NOFLUSH"); !strings.HasPrefix(got, "ERR Error trying to load the RDB dump") {
		t.Errorf("with every key in both: %q", got)
	}
	p.must("SET both here")
	p.must("SET new here")
	p.must("DEL old")
	p.must("FUNCTION DELETE one")
	load("two")
	p.must("DEBUG RELOAD NOSAVE NOFLUSH MERGE")
	if got := p.must("GET both").Text + p.must("GET new").Text + p.must("LINDEX old 1").Text; got != "filehereb" {
		t.Errorf("merged: %q", got)
	}
	if p.must("PTTL both").Int <= 0 || p.must("FCALL one 0").Int+p.must("FCALL two 0").Int != 2 {
		t.Error("a merge lost an expiry or a library")
	}
	p.must("DEBUG RELOAD NOSAVE")
	if p.must("EXISTS new").Int != 0 || strings.Contains(libraries(p), "two") {
		t.Error("NOSAVE kept what the file does not have")
	}
}
