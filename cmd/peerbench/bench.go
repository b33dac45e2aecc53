package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/cmd/internal/load"
)

// bench is what all measurements share.
type bench struct {
	*options
	systems  []system
	programs map[string]string
	built    string // directory of the program built here, if one was
}

// sample is one measurement of one system.
type sample struct {
	depth int
	rate  float64       // requests/s
	cpu   time.Duration // per request, all processes of the system
	load  *load.Result  // with --rate
}

// newBench finds the programs and leaves out the systems that miss one.
func newBench(ctx context.Context, o *options) (*bench, error) {
	b := &bench{options: o, programs: make(map[string]string)}
	for _, name := range o.systems {
		if !slices.Contains(systemNames(), name) {
			return nil, fmt.Errorf("no system is called %q; known are %s", name, strings.Join(systemNames(), ", "))
		}
	}
	if o.client != "own" && o.client != "redis-benchmark" {
		return nil, fmt.Errorf("--client %q is neither redis-benchmark nor own", o.client)
	}
	if o.rounds < 1 || o.requests < 1 || o.deep < 1 {
		return nil, fmt.Errorf("--rounds and --requests must be at least 1")
	}
	for _, s := range systems {
		if len(o.systems) > 0 && !slices.Contains(o.systems, s.name) {
			continue
		}
		if missing := b.missing(ctx, s); missing != "" {
			fmt.Printf("skipped: %s (%s)\n", s.title, missing)
			continue
		}
		b.systems = append(b.systems, s)
	}
	if _, err := exec.LookPath("redis-benchmark"); err != nil && o.rate == 0 && o.client == "redis-benchmark" {
		b.close()
		return nil, fmt.Errorf("redis-benchmark is not on PATH; install redis-tools or choose --client own")
	}
	return b, nil
}

// missing says which program of s cannot be had, or nothing.
func (b *bench) missing(ctx context.Context, s system) string {
	for _, program := range s.needs {
		if b.programs[program] != "" {
			continue
		}
		path, err := b.find(ctx, program)
		if err != nil {
			return err.Error()
		}
		b.programs[program] = path
	}
	return ""
}

func (b *bench) find(ctx context.Context, program string) (string, error) {
	if program != "holdfast" {
		path, err := exec.LookPath(program)
		if err != nil {
			return "", fmt.Errorf("%s is not on PATH", program)
		}
		return path, nil
	}
	if b.holdfast != "" {
		return exec.LookPath(b.holdfast)
	}
	return b.build(ctx)
}

// build compiles the program of this module, so that what is measured is what
// stands in the tree.
func (b *bench) build(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "peerbench-bin-")
	if err != nil {
		return "", err
	}
	b.built = dir
	path := filepath.Join(dir, "holdfast")
	out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "holdfast/cmd/holdfast").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build holdfast/cmd/holdfast: %v\n%s", err, out)
	}
	return path, nil
}

func (b *bench) close() {
	if b.built != "" {
		os.RemoveAll(b.built)
	}
}

// measure starts s, measures it at every depth, or at the fixed rate, and stops
// it.
func (b *bench) measure(ctx context.Context, s system) ([]sample, error) {
	st, err := newStack(b.programs)
	if err != nil {
		return nil, err
	}
	defer st.stop()
	if err := s.start(st); err != nil {
		return nil, err
	}
	depths := b.depths
	if b.rate > 0 {
		depths = []int{1}
	}
	var samples []sample
	for _, depth := range depths {
		// A tenth first, unmeasured: connections, heaps and tables grow then.
		if _, err := b.offer(ctx, st, depth, max(b.requestsAt(depth)/10, 1)); err != nil {
			return nil, err
		}
		one, err := b.one(ctx, st, depth)
		if err != nil {
			return nil, err
		}
		samples = append(samples, one)
	}
	return samples, nil
}

func (b *bench) one(ctx context.Context, st *stack, depth int) (sample, error) {
	before, err := st.cpu()
	if err != nil {
		return sample{}, err
	}
	res, err := b.offer(ctx, st, depth, b.requestsAt(depth))
	if err != nil {
		return sample{}, err
	}
	after, err := st.cpu()
	if err != nil {
		return sample{}, err
	}
	if res.Failed() > 0 {
		return sample{}, fmt.Errorf("%d requests failed: %v", res.Failed(), res.Errors)
	}
	return sample{depth: depth, rate: res.Rate(), cpu: (after - before) / time.Duration(res.Succeeded), load: res}, nil
}

// offer makes the load: half SET, half GET.
func (b *bench) offer(ctx context.Context, st *stack, depth, count int) (*load.Result, error) {
	if b.rate == 0 && b.client == "redis-benchmark" {
		return b.redisBenchmark(ctx, st, depth, count)
	}
	ops, err := load.FindOps([]string{"set", "get"})
	if err != nil {
		return nil, err
	}
	o := load.Options{Addrs: []string{st.addr()}, Conns: b.conns, Pipeline: depth, Requests: int64(count),
		Ops: ops, DataSize: b.size, Keyspace: int64(b.keyspace)}
	if b.rate > 0 {
		o.Rate, o.Requests, o.Duration = b.rate, 0, b.duration
	}
	res, err := load.Run(ctx, o)
	if err == nil {
		err = ctx.Err()
	}
	return res, err
}

// redisBenchmark runs half the requests as SET and then half as GET, which is
// how redis-benchmark does it, and adds the times up.
func (b *bench) redisBenchmark(ctx context.Context, st *stack, depth, count int) (*load.Result, error) {
	half := max(count/2, 1)
	cmd := exec.CommandContext(ctx, "redis-benchmark", "-p", itoa(st.port), "-c", itoa(b.conns), "-n", itoa(half),
		"-P", itoa(depth), "-d", itoa(b.size), "-r", itoa(b.keyspace), "-t", "set,get", "--csv")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("redis-benchmark: %v: %s", err, stderr.String())
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil || len(rows) != 3 {
		return nil, fmt.Errorf("redis-benchmark printed what cannot be read:\n%s%s", out, stderr.String())
	}
	res := new(load.Result)
	for _, row := range rows[1:] {
		rate, err := strconv.ParseFloat(row[1], 64)
		if err != nil || rate <= 0 {
			return nil, fmt.Errorf("redis-benchmark printed the rate %q", row[1])
		}
		res.Elapsed += time.Duration(float64(half) / rate * float64(time.Second))
		res.Succeeded += int64(half)
	}
	return res, nil
}

// machine describes where the figures come from.
func machine() string {
	return fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}
