package main_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/backend/client"
)

// born starts a node of a group, which has no role yet.
func (k *killable) born() {
	k.t.Helper()
	k.launch("")
	await(k.t, 20*time.Second, "the node has loaded its data", func() error {
		v, err := do(k.t, 5*time.Second, local(k.port+10000), "HOLDFAST", "PROBE", "g", "0", "0", "0")
		if err == nil && v.Pairs()["loading"].Int != 0 {
			err = errors.New("it loads")
		}
		return err
	})
}

// told sends a command of a group's leader to a node's control port and returns
// its answer by names.
func (k *killable) told(words string) map[string]string {
	k.t.Helper()
	v, err := do(k.t, 20*time.Second, local(k.port+10000), strings.Fields("HOLDFAST "+words)...)
	if err != nil {
		k.t.Fatalf("%s at %s: %v", words, k.addr(), err)
	}
	facts := map[string]string{}
	for name, value := range v.Pairs() {
		facts[name] = value.Text
		if value.Kind == ':' {
			facts[name] = strconv.FormatInt(value.Int, 10)
		}
	}
	return facts
}

// promoted makes the node the master of an epoch, with the holders that have to
// confirm, and lets it serve.
func (k *killable) promoted(epoch, acks int, holders ...string) {
	k.t.Helper()
	probe := fmt.Sprintf("PROBE g 1 %d", epoch)
	runID := k.told(fmt.Sprintf("SEAL g %d", epoch))["run-id"]
	k.told(fmt.Sprintf("PROMOTE g %d %s %d %d %s", epoch, runID, epoch, acks, strings.Join(holders, " ")))
	await(k.t, 20*time.Second, "the barrier is confirmed", func() error {
		if k.told(probe + " 0")["holders-ready"] != "1" {
			return errors.New("it is not")
		}
		return nil
	})
	nonce := k.told(fmt.Sprintf("%s %d", probe, epoch))["nonce"]
	k.told(fmt.Sprintf("%s %d %s 3600000", probe, epoch, nonce)) // a lease, for acks 0
}

func (k *killable) follows(epoch int, master *killable) {
	k.t.Helper()
	k.told(fmt.Sprintf("FOLLOW g %d 127.0.0.1 %d", epoch, master.port))
}

// unanswered has writes executed that nobody confirms any more.
func (k *killable) unanswered(writes []string) {
	k.t.Helper()
	for _, line := range writes {
		before := k.info("master_repl_offset")
		ctx, cancel := context.WithTimeout(k.t.Context(), 20*time.Second)
		defer cancel()
		conn, err := client.Dial(ctx, k.addr(), client.Options{})
		if err != nil {
			k.t.Fatal(err)
		}
		defer conn.Close()
		ended := make(chan error, 1)
		go func() {
			_, err := conn.Do(ctx, strings.Fields(line)...)
			ended <- err
		}()
		await(k.t, 20*time.Second, "the write is executed and in the file", func() error {
			select {
			case err := <-ended:
				k.t.Fatalf("%s was answered: %v", line, err)
			default:
			}
			if k.info("master_repl_offset") == before {
				return errors.New("it is not")
			}
			if lag := k.info("aof_buffer_length"); lag != "0" { // what is there outlives a kill
				return fmt.Errorf("%s bytes are not in the append-only file yet", lag)
			}
			return nil
		})
	}
}

// A master that comes back to a group with writes that its successor does not
// have keeps exactly these in its lost file: frozen, it takes a full resync,
// killed, it cuts its append-only file and takes a partial one.
func TestReturningMasterKeepsWhatItLost(t *testing.T) {
	t.Parallel()
	writes := []string{"SET only old", "RPUSH list x y", "INCR counter", "SETEX later 1000 z", "DEL both"}
	for name, kill := range map[string]bool{"frozen": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			group := "--managed yes --appendonly yes --appendfsync always --write-acks-timeout 0"
			master := newKillable(t, group)
			master.born()
			heir := newKillable(t, group)
			heir.born()
			incarnation := heir.told("SEAL g 1")["incarnation"]
			heir.follows(1, master) // it waits for it to be one
			master.promoted(1, 1, incarnation)
			mustDo(t, master.addr(), "MSET", "both", "1", "counter", "40")
			heir.awaitLink(master)

			heir.promoted(2, 0)
			master.unanswered(writes)
			if kill {
				master.kill()
			} else {
				master.p.Signal(syscall.SIGSTOP)
			}
			mustDo(t, heir.addr(), "SET", "only", "new")
			if kill {
				master.born()
			} else {
				master.p.Signal(syscall.SIGCONT)
			}
			master.follows(2, heir)
			master.awaitLink(heir)
			master.sameData(heir)

			full, partial := heir.info("sync_full"), heir.info("sync_partial_ok")
			if want := map[bool][2]string{true: {"0", "1"}, false: {"1", "0"}}[kill]; full != want[0] || partial != want[1] {
				t.Errorf("%s full and %s partial resyncs", full, partial)
			}
			if got := master.info("lost_acked_writes_total"); got != "0" {
				t.Errorf("lost_acked_writes_total is %s", got)
			}
			if got := master.info("lost_writes_total"); got != strconv.Itoa(len(writes)) {
				t.Errorf("lost_writes_total is %s", got)
			}
			file := filepath.Join(master.dir, "lost-1.aof")
			if out, stderr, status := execute(t, 20*time.Second, "check-aof", file); status != 0 {
				t.Errorf("check-aof: %d: %s%s", status, out, stderr)
			}
			replayed := replay(t, file)
			want := map[string]string{"GET only": "old", "LRANGE list 0 -1": "x y", "GET counter": "1", "GET later": "z", "DBSIZE": "4"}
			for command, want := range want {
				if got := replayed(command); got != want {
					t.Errorf("%s of what was lost: %q, want %q", command, got, want)
				}
			}
		})
	}
}

// replay starts a node that has a lost file as its append-only file, and asks it.
func replay(t *testing.T, file string) func(command string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	k := newKillable(t, "--appendonly yes")
	if err := os.WriteFile(filepath.Join(k.dir, "appendonly.aof"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	k.start("")
	return func(command string) string {
		v, err := do(t, 20*time.Second, k.addr(), strings.Fields(command)...)
		if err != nil {
			t.Fatal(err)
		}
		switch v.Kind {
		case ':':
			return strconv.FormatInt(v.Int, 10)
		case '*':
			var words []string
			for _, e := range v.Elems {
				words = append(words, e.Text)
			}
			return strings.Join(words, " ")
		}
		return v.Text
	}
}

// In a group under load no kill of a master loses an answered write, and what
// the killed ones had besides stands in files that can be read.
func TestGroupLosesNoAnsweredWrite(t *testing.T) {
	t.Parallel()
	c := startCluster(t, fast+"--nodes 3 --node.appendonly yes --node.appendfsync always")
	for _, o := range c.drill("kill-master", fmt.Sprintf("--runs %d", *drillRuns)) {
		if o.Lost != 0 || o.Doubled != 0 {
			t.Errorf("lost %d, doubled %d", o.Lost, o.Doubled)
		}
	}
	c.awaitWhole()
	partial, full := 0, 0
	for _, node := range c.state().Nodes {
		text := mustDo(t, node.Addr, "INFO", "everything")
		if got := infoField(text, "lost_acked_writes_total"); got != "0" {
			t.Errorf("the node at %s gave up %s answered writes", node.Addr, got)
		}
		p, _ := strconv.Atoi(infoField(text, "sync_partial_ok"))
		f, _ := strconv.Atoi(infoField(text, "sync_full"))
		partial, full = partial+p, full+f
	}
	files, err := filepath.Glob(filepath.Join(c.opts.Dir, "*", "lost-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if out, stderr, status := execute(t, 20*time.Second, "check-aof", file); status != 0 {
			t.Errorf("check-aof %s: %d: %s%s", file, status, out, stderr)
		}
	}
	if slices.ContainsFunc(files, func(f string) bool { return strings.Contains(f, "incomplete") }) {
		t.Errorf("not all that was lost was kept: %q", files)
	}
	t.Logf("%d partial and %d full resyncs as the nodes count them, lost files %q", partial, full, files)
}

func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
