package view

import "testing"

func TestFromInfo(t *testing.T) {
	var n Node
	n.fromInfo(map[string]string{
		"role": "slave", "master_host": "10.0.0.1", "master_port": "6379", "master_link_status": "up",
		"slave_repl_offset": "182", "master_repl_offset": "200", "connected_slaves": "1",
		"db0": "keys=3,expires=0,avg_ttl=0", "db1": "keys=4,expires=0,avg_ttl=0", "holdfast_version": "1",
	})
	want := Node{Role: "slave", Master: "10.0.0.1:6379", LinkUp: true, Offset: 182, Replicas: 1, Keys: 7, Version: "1"}
	if n != want {
		t.Errorf("%+v, want %+v", n, want)
	}
}

func TestSilenceIsAnAnswer(t *testing.T) {
	const nobody = "127.0.0.1:1"
	if n := AskNode(t.Context(), nobody); n.Err == nil {
		t.Error("a node answered where nobody listens")
	}
	if s := AskSentinel(t.Context(), nobody); s.Err == nil {
		t.Error("a sentinel answered where nobody listens")
	}
	if p := AskProxy(t.Context(), nobody); p.Err == nil {
		t.Error("a proxy answered where nobody listens")
	}
	if _, err := AskTopology(t.Context(), []string{nobody}, "mymaster"); err == nil {
		t.Error("a topology came from nobody")
	}
}
