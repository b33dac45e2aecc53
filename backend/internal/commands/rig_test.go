package commands

import (
	"flag"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"holdfast/backend/internal/store"
	"holdfast/backend/resp"
)

var seedFlag = flag.Uint64("seed", 1, "seed of the random requests that redis-server is compared on; 0: another each time")

// newSeed is the seed of one test's random requests.
func newSeed(t *testing.T) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-seed %d", seed)
	return seed
}

// few is how often a test repeats what one goroutine does: the race detector, for
// which -short is, finds nothing there however often it is done.
func few(times *int) int {
	if testing.Short() {
		return *times / 10
	}
	return *times
}

// rig runs requests as the gate would, one after the other.
type rig struct {
	t      testing.TB
	rows   map[string]Handler
	events []string
	Ctx
}

func newRig(t testing.TB) *rig {
	t.Helper()
	st, err := store.New(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	r := &rig{t: t, rows: map[string]Handler{}}
	r.Store, r.DB, r.Options, r.Proto, r.Now = st, st.DB(0), &Options{StringMax: resp.MaxBulk, HLLSparseMax: 3000, SharedIntegers: true}, 2, 1_700_000_000_000
	st.SetNow(r.Now)
	for _, row := range Rows() {
		r.rows[row.Name] = row.Run
	}
	r.SetNotify(func(_ Class, event string, _ int, key []byte) {
		r.events = append(r.events, event+" "+string(key))
	})
	return r
}

// do runs a request and returns its reply's bytes, valid until the next one.
func (r *rig) do(words ...string) []byte {
	r.t.Helper()
	run := r.rows[strings.ToLower(words[0])]
	if run == nil && len(words) > 1 {
		run = r.rows[strings.ToLower(words[0]+"|"+words[1])]
	}
	if run == nil {
		r.t.Fatalf("no command %s", words[0])
	}
	args := make([][]byte, len(words))
	for i, w := range words {
		args[i] = []byte(w)
	}
	r.Out, r.events = r.Out[:0], nil
	r.Begin(args)
	run(&r.Ctx)
	return r.Out
}

// line is do for a request written as one line, its reply shown as show does.
func (r *rig) line(line string) string {
	r.t.Helper()
	reply := r.do(words(line)...)
	if len(reply) == 0 {
		return "waits"
	}
	return show(parse(r.t, reply))
}

// words splits at blanks; ” is the empty word.
func words(line string) []string {
	w := strings.Fields(line)
	for i := range w {
		if w[i] == "''" {
			w[i] = ""
		}
	}
	return w
}

func parse(t testing.TB, reply []byte) resp.Value {
	t.Helper()
	var whole resp.Replies
	if n, err := whole.Next(reply); n != len(reply) {
		t.Fatalf("not one reply: %q, %v", reply, err)
	}
	v, err := resp.Parse(reply)
	if err != nil {
		t.Fatalf("%q: %v", reply, err)
	}
	return v
}

// show writes a reply in one line: strings as they are, integers behind a colon,
// errors behind a minus, aggregates in brackets behind their type.
func show(v resp.Value) string {
	switch {
	case v.Null && v.Kind == '*':
		return "nil-array"
	case v.Null:
		return "nil"
	}
	switch v.Kind {
	case ':':
		return ":" + strconv.FormatInt(v.Int, 10)
	case '-', ',':
		return string(v.Kind) + v.Text
	case '$', '+':
		return v.Text
	}
	parts := make([]string, len(v.Elems))
	for i, e := range v.Elems {
		parts[i] = show(e)
	}
	return strings.TrimPrefix(string(v.Kind), "*") + "[" + strings.Join(parts, " ") + "]"
}

// script runs lines of "request => reply" and compares.
func (r *rig) script(text string) {
	r.t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		request, want, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok {
			r.t.Fatalf("no reply in %q", line)
		}
		if got := r.line(request); got != want {
			r.t.Errorf("%s\n got %s\nwant %s", request, got, want)
		}
	}
}

// effects are what the last request is propagated as.
func (r *rig) propagated() string {
	if r.Effects().Replace() {
		var all []string
		r.Effects().Each(func(args [][]byte) { all = append(all, joined(args)) })
		return strings.Join(all, "; ")
	}
	if r.Dirty() == 0 {
		return ""
	}
	return joined(r.Args)
}

func joined(args [][]byte) string {
	parts := make([]string, len(args))
	for i, a := range args {
		parts[i] = string(a)
	}
	return strings.Join(parts, " ")
}
