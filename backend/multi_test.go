package backend_test

import (
	"strings"
	"testing"
)

func TestTransactions(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	for name, c := range map[string]struct{ send, want string }{
		"plain": {"MULTI\r\nSET t:a 1\r\nINCR t:a\r\nGET t:none\r\nEXEC\r\n",
			"+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n:2\r\n$-1\r\n"},
		"empty":              {"MULTI\r\nEXEC\r\n", "+OK\r\n*0\r\n"},
		"discard":            {"MULTI\r\nSET t:d 1\r\nDISCARD\r\nGET t:d\r\n", "+OK\r\n+QUEUED\r\n+OK\r\n$-1\r\n"},
		"nested":             {"MULTI\r\nMULTI\r\nDISCARD\r\n", "+OK\r\n-ERR MULTI calls can not be nested\r\n+OK\r\n"},
		"exec without multi": {"EXEC\r\nDISCARD\r\n", "-ERR EXEC without MULTI\r\n-ERR DISCARD without MULTI\r\n"},
		"unknown spoils": {"MULTI\r\nnosuch\r\nSET t:u 1\r\nEXEC\r\nGET t:u\r\n",
			"+OK\r\n-ERR unknown command 'nosuch', with args beginning with: \r\n+QUEUED\r\n-EXECABORT Transaction discarded because of previous errors.\r\n$-1\r\n"},
		"arity spoils": {"MULTI\r\nGET\r\nEXEC\r\n",
			"+OK\r\n-ERR wrong number of arguments for 'get' command\r\n-EXECABORT Transaction discarded because of previous errors.\r\n"},
		"errors of commands stay inside": {"MULTI\r\nSET t:s x\r\nINCR t:s\r\nLPUSH t:s y\r\nGET t:s\r\nEXEC\r\n",
			"+OK\r\n" + strings.Repeat("+QUEUED\r\n", 4) + "*4\r\n+OK\r\n-ERR value is not an integer or out of range\r\n" +
				"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n$1\r\nx\r\n"},
		"watch inside":             {"MULTI\r\nWATCH a\r\nEXEC\r\n", "+OK\r\n-ERR WATCH inside MULTI is not allowed\r\n*0\r\n"},
		"not inside":               {"MULTI\r\nSAVE\r\nEXEC\r\n", "+OK\r\n-ERR Command not allowed inside a transaction\r\n-EXECABORT Transaction discarded because of previous errors.\r\n"},
		"blocking inside":          {"MULTI\r\nBLPOP t:none 0\r\nWAIT 1 0\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n*-1\r\n:0\r\n"},
		"select lasts":             {"MULTI\r\nSELECT 3\r\nSET t:db 1\r\nEXEC\r\nGET t:db\r\nSELECT 0\r\nGET t:db\r\n", "+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n+OK\r\n$1\r\n1\r\n+OK\r\n$-1\r\n"},
		"own change breaks":        {"WATCH t:w\r\nSET t:w 1\r\nMULTI\r\nEXEC\r\n", "+OK\r\n+OK\r\n+OK\r\n*-1\r\n"},
		"watch ends with exec":     {"WATCH t:e\r\nMULTI\r\nEXEC\r\nSET t:e 1\r\nMULTI\r\nEXEC\r\n", "+OK\r\n+OK\r\n*0\r\n+OK\r\n+OK\r\n*0\r\n"},
		"unwatch":                  {"WATCH t:x\r\nSET t:x 1\r\nUNWATCH\r\nMULTI\r\nEXEC\r\n", "+OK\r\n+OK\r\n+OK\r\n+OK\r\n*0\r\n"},
		"absent stays absent":      {"WATCH t:n\r\nDEL t:n\r\nMULTI\r\nEXEC\r\n", "+OK\r\n:0\r\n+OK\r\n*0\r\n"},
		"another database's key":   {"SELECT 5\r\nWATCH t:o\r\nSELECT 0\r\nSET t:o 1\r\nMULTI\r\nEXEC\r\n", "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n*0\r\n"},
		"swapped databases' key":   {"SET t:p 1\r\nWATCH t:p\r\nSWAPDB 0 9\r\nSWAPDB 0 9\r\nMULTI\r\nEXEC\r\n", "+OK\r\n+OK\r\n+OK\r\n+OK\r\n+OK\r\n*-1\r\n"},
		"subscribe inside":         {"MULTI\r\nSUBSCRIBE t:ch\r\nEXEC\r\nGET a\r\n", "+OK\r\n+QUEUED\r\n*1\r\n*3\r\n$9\r\nsubscribe\r\n$4\r\nt:ch\r\n:1\r\n-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context\r\n"},
		"one command's own errors": {"MULTI\r\nSELECT 99\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n-ERR DB index is out of range\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := p.wire()
			w.t = t
			w.send(c.send)
			w.expect(c.want)
		})
	}
}

// A transaction of a second client lies between WATCH and EXEC.
func TestWatchSeesOthers(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir(), "--event-loops", "2")
	for change, breaks := range map[string]bool{
		"SET k 2": true, "EXPIRE k 100": true, "DEL k": true, "RENAME k l": true, "FLUSHALL": true, "SET other 1": false, "GET k": false, "TOUCH k": false,
	} {
		p.must("SET k 1")
		w := p.wire()
		w.command("WATCH k")
		w.expect("+OK\r\n")
		p.must(change)
		w.command("MULTI", "PING", "EXEC")
		w.expect("+OK\r\n+QUEUED\r\n")
		if breaks {
			w.expect("*-1\r\n")
		} else {
			w.expect("*1\r\n+PONG\r\n")
		}
	}
}

func TestWatchedKeyWhoseTimeComes(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	p.must("DEBUG SET-ACTIVE-EXPIRE 0")
	w := p.wire()
	w.command("SET k 1 PX 5", "WATCH k")
	w.expect("+OK\r\n+OK\r\n")
	await(t, "the key is gone", func() bool { return p.must("EXISTS k").Int == 0 })
	w.command("MULTI", "PING", "EXEC")
	w.expect("+OK\r\n+QUEUED\r\n*-1\r\n")
}

func TestTransactionIsRefusedWhenTheNodeChanged(t *testing.T) {
	t.Parallel()
	p := begin(t, t.TempDir())
	w := p.wire()
	w.command("MULTI", "SET a 1")
	w.expect("+OK\r\n+QUEUED\r\n")
	p.must("CONFIG SET min-replicas-to-write 1")
	w.command("EXEC", "GET a")
	w.expect("-EXECABORT Transaction discarded because of: NOREPLICAS Not enough good replicas to write.\r\n$-1\r\n")
	p.must("CONFIG SET min-replicas-to-write 0")
	w.command("MULTI", "SET a 1")
	w.expect("+OK\r\n+QUEUED\r\n")
	p.must("REPLICAOF 127.0.0.1 1")
	w.command("EXEC", "SET a 1")
	w.expect("-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.\r\n" +
		"-READONLY You can't write against a read only replica.\r\n")
}
