package backend_test

import (
	"strings"
	"testing"
)

func TestDebugData(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--enable-debug-command", "yes")
	p.must("DEBUG POPULATE 1000 k 50")
	if p.must("DBSIZE").Int != 1000 || p.must("STRLEN k:7").Int != 50 || !strings.HasPrefix(p.must("GET k:7").Text, "value:7") {
		t.Errorf("POPULATE made %d keys, k:7 is %q", p.must("DBSIZE").Int, p.must("GET k:7").Text)
	}
	if text := p.must("DEBUG HTSTATS 0 full").Text; !strings.Contains(text, " number of elements: 1000\n") || !strings.Contains(text, " table size: 1024\n") {
		t.Errorf("HTSTATS: %s", text)
	}
	p.must("RPUSH list a b c")
	if text := p.must("DEBUG OBJECT list").Text; !strings.HasPrefix(text, "Value at:0x") || !strings.Contains(text, " encoding:listpack ") || !strings.Contains(text, " lru_seconds_idle:0") {
		t.Errorf("OBJECT: %s", text)
	}
	before := p.must("DEBUG DIGEST").Text
	for _, line := range []string{"DEBUG RELOAD", "DEBUG RELOAD NOSAVE", "DEBUG RELOAD NOSAVE NOFLUSH MERGE"} {
		p.must(line)
		if now := p.must("DEBUG DIGEST").Text; now != before {
			t.Errorf("%s: digest %s, before %s", line, now, before)
		}
	}
	if _, err := ask(t, p.data, "DEBUG", "RELOAD", "NOFLUSH"); err == nil || !strings.HasPrefix(err.Error(), "ERR Error trying to load the RDB dump") {
		t.Errorf("RELOAD NOFLUSH: %v", err)
	}
	p.must("DEL list")
	p.must("SET more x")
	p.must("DEBUG RELOAD NOSAVE NOFLUSH MERGE")
	if p.must("LLEN list").Int != 3 || p.must("GET more").Text != "x" {
		t.Error("RELOAD MERGE lost a key of either side")
	}
	payload := p.must("DUMP list").Text
	broken := payload[:len(payload)-1] + string([]byte{payload[len(payload)-1] ^ 1})
	if _, err := ask(t, p.data, "RESTORE", "copy", "0", broken); err == nil {
		t.Error("a payload with a wrong checksum was restored")
	}
	p.must("DEBUG SET-SKIP-CHECKSUM-VALIDATION 1")
	if _, err := ask(t, p.data, "RESTORE", "copy", "0", broken); err != nil || p.must("LLEN copy").Int != 3 {
		t.Errorf("without validation: %v", err)
	}
}

// With DICT-RESIZING 0 a table grows only when its chains become long.
func TestDebugResizing(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--enable-debug-command", "yes")
	p.must("DEBUG DICT-RESIZING 0")
	p.must("DEBUG POPULATE 1024")
	p.must("DEBUG POPULATE 1500")
	if text := p.must("DEBUG HTSTATS 0").Text; !strings.Contains(text, " table size: 1024\n") {
		t.Errorf("HTSTATS: %s", text)
	}
	p.must("DEBUG DICT-RESIZING 1")
	p.must("SET one more")
	await(t, "the table grows", func() bool { return strings.Contains(p.must("DEBUG HTSTATS 0").Text, " table size: 2048\n") })
}

// Who may not use DEBUG may not queue it either; the settings say who.
func TestTrustedSettings(t *testing.T) {
	t.Parallel()
	for setting, trusted := range map[string]bool{"no": false, "local": true, "yes": true} {
		p := begin(t, t.TempDir(), "--enable-debug-command", setting, "--enable-protected-configs", setting)
		_, err := ask(t, p.data, "DEBUG", "JMAP")
		if (err == nil) != trusted || err != nil && !strings.HasPrefix(err.Error(), "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\"") {
			t.Errorf("enable-debug-command %s: %v", setting, err)
		}
		p.must("MULTI")
		_, queued := ask(t, p.data, "DEBUG", "JMAP")
		_, err = ask(t, p.data, "EXEC")
		if (queued == nil) != trusted || (err == nil) != trusted {
			t.Errorf("enable-debug-command %s in a transaction: %v, then %v", setting, queued, err)
		}
		_, err = ask(t, p.data, "CONFIG", "SET", "dbfilename", "other.rdb")
		if (err == nil) != trusted || err != nil && !strings.HasSuffix(err.Error(), "can't set protected config") {
			t.Errorf("enable-protected-configs %s: %v", setting, err)
		}
	}
}
