package main

import (
	"bytes"
	"os/exec"
	"regexp"
	"testing"
)

// A small filling of both servers: every kind has its line and its ratio.
func TestMemoryOfBothServers(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("skipped, because this machine lacks redis-server")
	}
	var out bytes.Buffer
	o := &memoryOptions{keys: 2000, collections: 50, elements: 10, size: 16}
	if err := runMemory(t.Context(), o, &out); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"string of 16 bytes", "hash of 10", "list of 10", "set of 10", "set of 10 integers", "sorted set of 10", "stream of 10"} {
		if !regexp.MustCompile(`\d+ +` + kind + ` +[\d.]+ +[\d.]+ +[\d.]+`).MatchString(out.String()) {
			t.Errorf("no line of %s in\n%s", kind, &out)
		}
	}
}
