package main_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
	"holdfast/cmd/internal/child"
)

// The full series are run by hand: -crash.rounds 100 -crash.failovers 50
// -crash.cuts 300.
var (
	crashRounds    = flag.Int("crash.rounds", 4, "kills of a node that keeps an append-only file or snapshots")
	crashFailovers = flag.Int("crash.failovers", 3, "kills of a master whose replica takes over by hand")
	crashCuts      = flag.Int("crash.cuts", 6, "cuts through the files of an append-only file")
	crashSeed      = flag.Uint64("crash.seed", 1, "seed of the moments and places of crashes; 0: another each time")
)

// crashRandom is where the moments of a test come from.
func crashRandom(t *testing.T) *rand.Rand {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-crash.seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// killable is a node that is killed, and started again where it was.
type killable struct {
	t    *testing.T
	port int
	dir  string
	args string // of every start
	out  *safeBuffer
	p    *child.Process
}

// newKillable prepares a node on a port that is free now: start it before the
// next is prepared. It ends with the test.
func newKillable(t *testing.T, args string) *killable {
	k := &killable{t: t, port: freeport.Port(t), dir: t.TempDir(), args: args, out: new(safeBuffer)}
	t.Cleanup(func() {
		if k.p != nil {
			k.p.Stop(context.Background(), 5*time.Second)
		}
		if said := k.out.String(); t.Failed() {
			t.Logf("the node on port %d said at last:\n%s", k.port, said[max(0, len(said)-8000):])
		}
	})
	return k
}

func (k *killable) addr() string { return local(k.port) }

// start starts the node, with more arguments behind its own, and waits until
// it has loaded its data.
func (k *killable) start(args string) {
	k.t.Helper()
	k.launch(args)
	await(k.t, 20*time.Second, "the node answers", func() error {
		if !k.p.Running() {
			k.t.Fatalf("the node ended by itself: %v", k.p.Err())
		}
		_, err := do(k.t, 5*time.Second, k.addr(), "PING")
		return err
	})
}

func (k *killable) launch(args string) {
	k.t.Helper()
	all := fmt.Sprintf("node --managed no --enable-debug-command yes --bind 127.0.0.1 --port %d --dir %s %s %s", k.port, k.dir, k.args, args)
	cmd := exec.Command(program, append(strings.Fields(all), "--save", "")...)
	cmd.Stdout, cmd.Stderr = k.out, k.out
	var err error
	if k.p, err = child.Start(cmd); err != nil {
		k.t.Fatal(err)
	}
}

// kill is kill -9. When it returns the process is gone.
func (k *killable) kill() {
	k.t.Helper()
	if !k.p.Running() {
		k.t.Fatalf("the node ended by itself: %v", k.p.Err())
	}
	k.p.Signal(syscall.SIGKILL)
	<-k.p.Done()
}

// info reads one field of INFO.
func (k *killable) info(field string) string {
	k.t.Helper()
	return k.fieldOf(mustDo(k.t, k.addr(), "INFO", "everything"), field)
}

func (k *killable) fieldOf(info, field string) string {
	k.t.Helper()
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	k.t.Fatalf("INFO has no field %s", field)
	return ""
}

// offset is how far the node's stream goes, and written how much of it stands in
// the append-only file: a killed node loses the rest.
func (k *killable) offset() (offset, written int) {
	k.t.Helper()
	info := mustDo(k.t, k.addr(), "INFO", "everything")
	offset, err1 := strconv.Atoi(k.fieldOf(info, "master_repl_offset"))
	behind, err2 := strconv.Atoi(k.fieldOf(info, "aof_buffer_length"))
	if err := errors.Join(err1, err2); err != nil {
		k.t.Fatal(err)
	}
	return offset, offset - behind
}

// awaitWritten waits until the stream stands in the append-only file up to offset.
// A disk may take its time.
func (k *killable) awaitWritten(offset int) {
	k.t.Helper()
	await(k.t, 30*time.Second, "the append-only file has caught up", func() error {
		if _, written := k.offset(); written < offset {
			return fmt.Errorf("it ends at %d of %d", written, offset)
		}
		return nil
	})
}

// fill adds keys that nobody writes any more, so that snapshots take long
// enough, with rdb-key-save-delay, to be hit.
func (k *killable) fill(keys int) {
	k.t.Helper()
	words := []string{"MSET"}
	for i := range keys {
		words = append(words, "filler:"+strconv.Itoa(i), strconv.Itoa(i))
	}
	mustDo(k.t, k.addr(), words...)
}

// repeat sends one command again and again, on connections of its own, until
// that fails, as it does when the node is killed. before, which may be nil, is
// called before each, and what it returns when the answer was no error.
func (k *killable) repeat(before func() (answered func()), words ...string) (over <-chan struct{}) {
	k.t.Helper()
	done := make(chan struct{})
	ctx, cancel := context.WithTimeout(k.t.Context(), 3*time.Minute)
	go func() {
		defer close(done)
		defer cancel()
		for ctx.Err() == nil {
			answered := func() {}
			if before != nil {
				answered = before()
			}
			switch _, err := do(k.t, 20*time.Second, k.addr(), words...); {
			case err == nil:
				answered()
			case !isErrorReply(err):
				return
			}
			time.Sleep(time.Millisecond) // leaves the processors to the others
		}
	}()
	return done
}

// awaitLink waits until the node, a replica, has all that master has.
func (k *killable) awaitLink(master *killable) {
	k.t.Helper()
	await(k.t, 30*time.Second, "the replica has all of its master", func() error {
		if k.info("master_link_status") != "up" {
			return errors.New("its link is down")
		}
		if want, got := master.info("master_repl_offset"), k.info("master_repl_offset"); got != want {
			return fmt.Errorf("it is at %s of %s", got, want)
		}
		return nil
	})
}

// sameData compares two nodes whose data does not change.
func (k *killable) sameData(other *killable) {
	k.t.Helper()
	if a, b := mustDo(k.t, k.addr(), "DEBUG", "DIGEST"), mustDo(k.t, other.addr(), "DEBUG", "DIGEST"); a != b {
		k.t.Fatalf("the data sets differ: DEBUG DIGEST is %s and %s", a, b)
	}
}
