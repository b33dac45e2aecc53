package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"holdfast/backend/resp"
)

// ScanOptions choose keys. The zero value is every key.
type ScanOptions struct {
	Pattern string
	Type    string
	Count   int // asked for at once; 0: the server's default
	// Samples are what MEMORY USAGE looks at in a nested value; 0: all.
	Samples int
}

// each calls f for every page of keys.
func (c *Client) each(ctx context.Context, o ScanOptions, f func(keys []string) error) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	for cursor := "0"; ; {
		request := []string{"SCAN", cursor}
		if o.Pattern != "" {
			request = append(request, "MATCH", o.Pattern)
		}
		if o.Count > 0 {
			request = append(request, "COUNT", strconv.Itoa(o.Count))
		}
		if o.Type != "" {
			request = append(request, "TYPE", o.Type)
		}
		v, err := c.conn.Do(ctx, request...)
		if err != nil {
			return err
		}
		if len(v.Elems) != 2 {
			return fmt.Errorf("SCAN answered %s", strings.TrimSpace(Format(v)))
		}
		if err := f(v.Elems[1].Strings()); err != nil {
			return err
		}
		if cursor = v.Elems[0].Text; cursor == "0" || ctx.Err() != nil {
			return nil
		}
	}
}

// Scan prints the keys, one a line.
func (c *Client) Scan(ctx context.Context, o ScanOptions) error {
	return c.each(ctx, o, func(keys []string) error {
		for _, key := range keys {
			c.print(nil, resp.Value{Kind: '$', Text: key})
		}
		return nil
	})
}

// kinds are the types of values, and how to ask for their size.
var kinds = map[string]struct{ command, unit string }{
	"string": {"STRLEN", "bytes"}, "list": {"LLEN", "items"}, "set": {"SCARD", "members"},
	"hash": {"HLEN", "fields"}, "zset": {"ZCARD", "members"}, "stream": {"XLEN", "entries"},
}

// tally sums up the keys of one type.
type tally struct {
	count, total, largest int64
	key                   string
}

// BigKeys finds the largest value of each type: by the number of its elements,
// or by the memory it takes.
func (c *Client) BigKeys(ctx context.Context, o ScanOptions, memory bool) error {
	if err := c.connect(ctx); err != nil {
		return err
	}
	fmt.Fprint(c.out, "\n# Scanning the entire keyspace to find biggest keys as well as\n# average sizes per key type.\n\n")
	found := make(map[string]*tally)
	err := c.each(ctx, o, func(keys []string) error { return c.weigh(ctx, found, keys, memory, o.Samples) })
	if err == nil {
		c.summarize(found, memory)
	}
	return err
}

// weigh asks for the types and sizes of a page of keys, in two pipelines.
func (c *Client) weigh(ctx context.Context, found map[string]*tally, keys []string, memory bool, samples int) error {
	for _, key := range keys {
		c.conn.Send("TYPE", key)
	}
	types := make([]string, len(keys))
	for i := range keys {
		v, err := c.conn.Receive(ctx)
		if err != nil && v.Err() == nil {
			return err
		}
		types[i] = v.Text
	}
	for i, key := range keys {
		kind, known := kinds[types[i]]
		switch {
		case memory:
			c.conn.Send("MEMORY", "USAGE", key, "SAMPLES", strconv.Itoa(samples))
		case known:
			c.conn.Send(kind.command, key)
		default: // gone, or a type of a module
			c.conn.Send("EXISTS", key)
		}
	}
	for i, key := range keys {
		v, err := c.conn.Receive(ctx)
		if err != nil && v.Err() == nil {
			return err
		}
		if types[i] != "none" && v.Err() == nil {
			c.add(found, types[i], key, v.Int, memory)
		}
	}
	return nil
}

func (c *Client) add(found map[string]*tally, kind, key string, size int64, memory bool) {
	t := found[kind]
	if t == nil {
		t = &tally{largest: -1}
		found[kind] = t
	}
	t.count++
	t.total += size
	if size > t.largest {
		t.largest, t.key = size, key
		fmt.Fprintf(c.out, "Biggest %-6s found so far %s with %d %s\n", kind, quote(key), size, unitOf(kind, memory))
	}
}

func unitOf(kind string, memory bool) string {
	if memory {
		return "bytes"
	}
	return kinds[kind].unit
}

func (c *Client) summarize(found map[string]*tally, memory bool) {
	var names []string
	keys, length := int64(0), 0
	for name, t := range found {
		names = append(names, name)
		keys += t.count
		length += len(t.key)
	}
	slices.Sort(names)
	fmt.Fprintf(c.out, "\n-------- summary -------\n\nSampled %d keys in the keyspace!\n\n", keys)
	for _, name := range names {
		t := found[name]
		fmt.Fprintf(c.out, "Biggest %6s found %s has %d %s\n", name, quote(t.key), t.largest, unitOf(name, memory))
	}
	fmt.Fprintln(c.out)
	for _, name := range names {
		t := found[name]
		fmt.Fprintf(c.out, "%d %ss with %d %s (%05.2f%% of keys, avg size %.2f)\n", t.count, name, t.total, unitOf(name, memory),
			100*float64(t.count)/float64(max(keys, 1)), float64(t.total)/float64(max(t.count, 1)))
	}
}

// Eval runs the script of a file. Of args those before a comma are its keys.
func (c *Client) Eval(ctx context.Context, file string, args []string) error {
	script, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	keys, rest := args, []string(nil)
	if comma := slices.Index(args, ","); comma >= 0 {
		keys, rest = args[:comma], args[comma+1:]
	}
	request := append([]string{"EVAL", string(script), strconv.Itoa(len(keys))}, keys...)
	return c.Do(ctx, append(request, rest...)...)
}
