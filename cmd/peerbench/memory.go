package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"holdfast/backend/resp"
	"holdfast/cmd/internal/child"
	"holdfast/cmd/internal/load"
)

// memoryOptions is the command line of peerbench memory.
type memoryOptions struct {
	keys, collections, elements, size int
	holdfast                          string
}

func memoryCommand() *cobra.Command {
	o := new(memoryOptions)
	cmd := pairCommand("memory", "Fill redis-server and a node with the same keys and compare their resident sizes",
		func(ctx context.Context, w io.Writer) error { return runMemory(ctx, o, w) })
	f := cmd.Flags()
	f.IntVar(&o.keys, "keys", 2_000_000, "string keys")
	f.IntVar(&o.collections, "collections", 50_000, "hashes, lists, sets, sorted sets and streams, each")
	f.IntVar(&o.elements, "elements", 100, "elements of a collection")
	f.IntVar(&o.size, "size", 64, "bytes of a string value")
	f.StringVar(&o.holdfast, "holdfast", "", "the holdfast program (default: built from this module)")
	return cmd
}

// filling is what a server is filled with: count keys, each made by one command.
type filling struct {
	name    string
	count   int
	command func(b []byte, i int) []byte // appends the request that makes key i
}

func (o *memoryOptions) fillings() []filling {
	value := strings.Repeat("x", o.size)
	return []filling{
		{fmt.Sprintf("string of %d bytes", o.size), o.keys, func(b []byte, i int) []byte {
			return resp.AppendCommand(b, "SET", keyName(i), value)
		}},
		{fmt.Sprintf("hash of %d", o.elements), o.collections, o.collection("HSET", func(e int) []string {
			return []string{fmt.Sprintf("field:%d", e), fmt.Sprintf("value:%d", e)}
		})},
		{fmt.Sprintf("list of %d", o.elements), o.collections, o.collection("RPUSH", element)},
		{fmt.Sprintf("set of %d", o.elements), o.collections, o.collection("SADD", element)},
		{fmt.Sprintf("set of %d integers", o.elements), o.collections, o.collection("SADD", func(e int) []string {
			return []string{itoa(1000 * e)}
		})},
		{fmt.Sprintf("sorted set of %d", o.elements), o.collections, o.collection("ZADD", func(e int) []string {
			return append([]string{fmt.Sprintf("%d.5", e)}, element(e)...)
		})},
		{fmt.Sprintf("stream of %d", o.elements), o.collections, func(b []byte, i int) []byte {
			return resp.AppendCommand(b, "EVAL", makeStream, "1", keyName(i), itoa(o.elements))
		}},
	}
}

// makeStream makes a stream in one command, as all others are made.
const makeStream = `for e = 1, tonumber(ARGV[1]) do redis.call('XADD', KEYS[1], '1700000000000-' .. e, 'sensor', e, 'value', e * 1000) end`

func keyName(i int) string { return fmt.Sprintf("key:%012d", i) } // 16 bytes, as redis-benchmark's

func element(e int) []string { return []string{fmt.Sprintf("element:%d", e)} }

// collection makes keys that all hold the same elements.
func (o *memoryOptions) collection(command string, words func(e int) []string) func([]byte, int) []byte {
	args := []string{command, ""}
	for e := range o.elements {
		args = append(args, words(e)...)
	}
	return func(b []byte, i int) []byte {
		args[1] = keyName(i)
		return resp.AppendCommand(b, args...)
	}
}

// runMemory measures every filling in both servers, one after the other, each
// in a process of its own.
func runMemory(ctx context.Context, o *memoryOptions, w io.Writer) error {
	b, err := newPair(ctx, o.holdfast)
	if err != nil {
		return err
	}
	defer b.close()
	fmt.Fprintf(w, "%s\nresident size of the whole process after the keys were written, per key\n\n", machine())
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "keys\tkind\tredis-server B\tholdfast node B\tratio\t")
	for _, f := range o.fillings() {
		var perKey [2]float64
		for i, s := range b.systems {
			progress("%s, %s", f.name, s.title)
			bytes, err := b.resident(ctx, s, f)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", f.name, s.title, err)
			}
			perKey[i] = float64(bytes) / float64(f.count)
		}
		fmt.Fprintf(t, "%d\t%s\t%.1f\t%.1f\t%.2f\t\n", f.count, f.name, perKey[0], perKey[1], perKey[1]/perKey[0])
	}
	progress("")
	return t.Flush()
}

// resident fills a fresh server and returns its resident size.
func (b *bench) resident(ctx context.Context, s system, f filling) (int64, error) {
	st, err := newStack(b.programs)
	if err != nil {
		return 0, err
	}
	defer st.stop()
	if err := s.start(st); err != nil {
		return 0, err
	}
	c, err := load.Dial(ctx, st.addr(), "")
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := f.write(ctx, c); err != nil {
		return 0, err
	}
	if v, err := c.Do("DBSIZE"); err != nil || v.Int != int64(f.count) {
		return 0, fmt.Errorf("there are %d keys instead of %d (%v)", v.Int, f.count, err)
	}
	return settled(ctx, st.procs[len(st.procs)-1].PID)
}

// fillBatch is about how many bytes of requests are on their way at once.
const fillBatch = 64 << 10

func (f *filling) write(ctx context.Context, c *load.Conn) error {
	var b []byte
	pending := 0
	for i := range f.count {
		b = f.command(b, i)
		pending++
		if len(b) < fillBatch && i < f.count-1 {
			continue
		}
		c.SetDeadline(time.Now().Add(startWait))
		if _, err := c.Write(b); err != nil {
			return err
		}
		for ; pending > 0; pending-- {
			reply, err := c.Reply()
			if err != nil {
				return err
			}
			if reply[0] == '-' {
				return fmt.Errorf("the server answered %s", reply)
			}
		}
		if b = b[:0]; ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// settled is a process's resident size once it has stopped to change: what was
// needed for the writing alone has gone back to the system.
func settled(ctx context.Context, pid int) (int64, error) {
	const every, still, most = 100 * time.Millisecond, 4, 50
	var seen []int64
	for range most {
		now, err := child.Resident(pid)
		if err != nil {
			return 0, err
		}
		seen = append(seen, now)
		if n := len(seen); n >= still && slices.Max(seen[n-still:])-slices.Min(seen[n-still:]) < 64<<10 {
			return now, nil
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return seen[len(seen)-1], nil
}
