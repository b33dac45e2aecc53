package up

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// lines makes writers of whole lines take turns.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

// Write implements io.Writer.
func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(b)
}

const (
	tailEvery  = 250 * time.Millisecond
	tailChunk  = 64 << 10        // bytes of one log looked at in one turn
	sameWithin = 5 * time.Second // the same words from several parts are shown once
)

// newTailer begins at the ends of the parts' logs.
func (s *Supervisor) newTailer() *tailer {
	t := &tailer{shown: make(map[string]time.Time), at: make(map[string]int64)}
	for _, r := range s.parts {
		if info, err := os.Stat(r.logFile()); err == nil {
			t.at[r.Name] = info.Size()
		}
	}
	return t
}

// tail shows the warnings that parts write to their logs, until ctx ends. The
// sentinels each report the same events; who said it first is shown.
func (s *Supervisor) tail(ctx context.Context, t *tailer) {
	for {
		for _, r := range s.parts {
			for _, words := range t.news(r.Name, r.logFile(), time.Now()) {
				fmt.Fprintf(s.out, "%s: %s\n", r.Name, words)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tailEvery):
		}
	}
}

// tailer remembers what was read and what was shown.
type tailer struct {
	at    map[string]int64     // by part: where its log was read up to
	shown map[string]time.Time // by words
}

// news reads the whole lines that were added to a log and returns the warnings
// among them that were not just shown.
func (t *tailer) news(part, file string, now time.Time) []string {
	added := readFrom(file, t.at[part])
	end := bytes.LastIndexByte(added, '\n') + 1
	if end == 0 && len(added) == tailChunk {
		end = tailChunk // one monstrous line: give it up rather than wait for ever
	}
	t.at[part] += int64(end)
	var news []string
	for line := range strings.Lines(string(added[:end])) {
		words, ok := warning(strings.TrimSpace(line))
		if ok && now.Sub(t.shown[words]) > sameWithin {
			t.shown[words] = now
			news = append(news, words)
		}
	}
	for words, at := range t.shown {
		if now.Sub(at) > sameWithin {
			delete(t.shown, words)
		}
	}
	return news
}

func readFrom(file string, at int64) []byte {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, tailChunk)
	n, _ := f.ReadAt(b, at)
	return b[:n]
}

// warning returns the words of a log line of level warning, or of a line that
// is in no log format, such as a panic's.
func warning(line string) (words string, ok bool) {
	head, words, found := strings.Cut(line, " # ")
	if found && strings.Contains(head, ":") {
		return words, true
	}
	return line, strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:")
}
