package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"holdfast/backend/resp"
)

// Stat prints a line about the server's load at every interval until ctx ends.
func (c *Client) Stat(ctx context.Context, interval time.Duration) error {
	before := int64(0)
	for line := 0; ; line++ {
		if err := c.connect(ctx); err != nil {
			return err
		}
		v, err := c.conn.Do(ctx, "INFO")
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if line%20 == 0 {
			fmt.Fprintln(c.out, "------- data ------ --------------------- load -------------------- - child -\n"+
				"keys       mem      clients blocked requests            connections          ")
		}
		before = c.statLine(v.Text, before, line == 0)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(interval):
		}
	}
}

func (c *Client) statLine(info string, before int64, first bool) (requests int64) {
	f := infoFields(info)
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(f[name], 10, 64)
		return n
	}
	keys := int64(0)
	for name, value := range f {
		if strings.HasPrefix(name, "db") && strings.HasPrefix(value, "keys=") {
			n, _ := strconv.ParseInt(strings.TrimPrefix(strings.Split(value, ",")[0], "keys="), 10, 64)
			keys += n
		}
	}
	requests = number("total_commands_processed")
	delta := requests - before
	if first {
		delta = 0
	}
	child := ""
	switch {
	case f["rdb_bgsave_in_progress"] == "1":
		child = "SAVE"
	case f["aof_rewrite_in_progress"] == "1":
		child = "AOF"
	}
	fmt.Fprintf(c.out, "%-11d%-9s%-8d%-8d%-20s%-12d%s\n", keys, human(number("used_memory")), number("connected_clients"),
		number("blocked_clients"), fmt.Sprintf("%d (+%d)", requests, delta), number("total_connections_received"), child)
	return requests
}

// infoFields are the fields of INFO by name.
func infoFields(text string) map[string]string {
	f := make(map[string]string)
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			f[name] = value
		}
	}
	return f
}

// human prints bytes as redis-cli does.
func human(bytes int64) string {
	v, units := float64(bytes), []string{"B", "K", "M", "G", "T"}
	for len(units) > 1 && v >= 1024 {
		v, units = v/1024, units[1:]
	}
	if units[0] == "B" {
		return strconv.FormatInt(bytes, 10) + "B"
	}
	return fmt.Sprintf("%.2f%s", v, units[0])
}

// Latency measures how long PING takes, 100 times a second, until ctx ends. Every
// window, 0 being the whole time, begins a new line. On output for programs one
// second is measured, and min, max, avg in ms and the number of samples printed.
func (c *Client) Latency(ctx context.Context, window time.Duration) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	bare := c.opts.Output != ForPeople
	var s samples
	for began := time.Now(); ctx.Err() == nil; {
		at := time.Now()
		if _, err := c.conn.Do(ctx, "PING"); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		s.add(time.Since(at))
		since := time.Since(began)
		switch {
		case bare && since >= time.Second:
			c.print(nil, s.value())
			return nil
		case !bare:
			fmt.Fprintf(c.out, "\r\x1b[2Kmin: %s, max: %s, avg: %s (%d samples)", millis(s.min), millis(s.max), millis(s.mean()), s.count)
			if window > 0 && since >= window {
				fmt.Fprintf(c.out, " -- %.2f seconds range\n", since.Seconds())
				s, began = samples{}, time.Now()
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// samples are durations, summed up.
type samples struct {
	min, max, sum time.Duration
	count         int
}

func (s *samples) add(d time.Duration) {
	if s.count == 0 || d < s.min {
		s.min = d
	}
	s.max, s.sum = max(s.max, d), s.sum+d
	s.count++
}

func (s *samples) mean() time.Duration { return s.sum / time.Duration(max(s.count, 1)) }

func (s *samples) value() resp.Value {
	text := strings.Join([]string{millis(s.min), millis(s.max), millis(s.mean()), strconv.Itoa(s.count)}, " ")
	return resp.Value{Kind: '+', Text: text}
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d.Microseconds())/1000) }
