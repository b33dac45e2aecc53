package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"holdfast/backend/netio/freeport"
	"holdfast/cmd/internal/up"
)

// A part that is down takes the columns of the table as the others do: the rows
// behind it stay in line.
func TestStatusOfWhatIsDown(t *testing.T) {
	var out bytes.Buffer
	parts := []up.Process{{Addr: fmt.Sprintf("127.0.0.1:%d", freeport.Port(t)), PID: 7}}
	printNodes(t.Context(), &out, parts, nil)
	printSentinels(t.Context(), &out, parts)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	at := func(line, word string) int { return len([]rune(line[:max(0, strings.Index(line, word))])) }
	for head, row := range map[string]string{"LINK": "connection refused", "LEADER": "down: connection refused"} {
		for i, line := range lines {
			if !strings.Contains(line, head) {
				continue
			}
			if next := lines[i+1]; at(next, row) != at(line, head) || len(strings.Fields(next)) < len(strings.Fields(line)) {
				t.Errorf("%q does not stand under %s:\n%s", row, head, out.String())
			}
		}
	}
	if strings.Count(out.String(), "connection refused") != 2 {
		t.Errorf("it does not say why:\n%s", out.String())
	}
}
