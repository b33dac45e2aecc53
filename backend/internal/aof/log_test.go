package aof_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/aof/disktest"
	"holdfast/backend/internal/repl"
)

// logged is a Log with the stream that it writes.
type logged struct {
	*aof.Log
	t       *testing.T
	disk    *disktest.Disk
	dir     *aof.Dir
	horizon *aof.Horizon
	stream  *repl.Backlog
}

// newLogged begins a log that goes on with the files of dir, or, when fresh, one
// that no base goes with.
func newLogged(t *testing.T, dir *aof.Dir, d *disktest.Disk, fresh bool) *logged {
	t.Helper()
	l := &logged{t: t, disk: d, dir: dir, horizon: aof.NewHorizon(), stream: repl.NewBacklog(1<<20, 0)}
	l.start(fresh, nil)
	return l
}

// openBased opens a directory whose files have an empty base.
func openBased(t *testing.T, d *disktest.Disk) *aof.Dir {
	t.Helper()
	dir := open(t, d)
	base, err := dir.NewBase()
	if err == nil {
		err = base.Close()
	}
	if err == nil {
		err = dir.Commit(0, false, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (l *logged) start(fresh bool, after <-chan struct{}) {
	l.t.Helper()
	cfg := aof.LogConfig{
		Dir: l.dir, Source: l.stream.Reader(l.stream.Written(), nil).Patient(), Horizon: l.horizon, Policy: aof.Always,
		Timestamps: func() bool { return false }, Lazy: func() bool { return false }, Delay: func() time.Duration { return 0 },
		Moved: func() {}, Changed: func() {}, After: after, Log: quiet,
	}
	if !fresh {
		var err error
		if cfg.File, cfg.Size, err = l.dir.Continue(); err != nil {
			l.t.Fatal(err)
		}
	}
	log := aof.StartLog(cfg)
	l.Log = log
	l.t.Cleanup(func() {
		select {
		case <-log.Done():
		default:
			_ = log.Close(context.Background())
		}
	})
}

// add appends to the stream, and does not wait for the file.
func (l *logged) add(lines ...string) {
	l.stream.Append(commands(lines...))
	l.stream.Publish()
	l.stream.Wake()
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// A log that is switched off takes its own temporary file away, and not that of
// the log that was switched on in the meantime.
func TestDropTempOfAnother(t *testing.T) {
	t.Parallel()
	d := disktest.New()
	dir := open(t, d)
	a := newLogged(t, dir, d, true)
	until(t, "the first log has its file", func() bool { return a.FileID() != 0 })
	first := a.FileID()
	if err := a.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	a.start(true, nil)
	until(t, "the second log has its file", func() bool { return a.FileID() != 0 })
	dir.DropTemp(first)
	a.add("SET a 1")
	base, err := dir.NewBase()
	if err != nil || base.Close() != nil {
		t.Fatal(err)
	}
	if err := <-a.Flush(a.stream.Written()); err != nil {
		t.Fatal(err)
	}
	if err := dir.Commit(0, false, a.FileID()); err != nil {
		t.Fatal(err)
	}
	var s story
	if err := open(t, d).Load(&s, false, nil); err != nil || len(s.told) != 1 || s.told[0] != "0:SET a 1" {
		t.Errorf("loaded %q, %v", s.told, err)
	}
	dir.DropTemp(a.FileID()) // it has its name by now
	if n := len(dir.Manifest().Incr); n != 1 {
		t.Errorf("the manifest lists %d files", n)
	}
}

// What has to stand between two units, or at the beginning of a file, is written
// as soon as the disk lets it, and nothing before it: else a restart would
// take what follows for a part of another history, or of another database.
func TestAnnotationsOutliveAFullDisk(t *testing.T) {
	t.Parallel()
	place := aof.Place{ID: "the-new-name", Offset: 7, Epoch: 2}
	for name, say := range map[string]func(l *logged){
		"note":   func(l *logged) { l.Note(l.stream.Written(), aof.AppendPlace(nil, place)) },
		"rotate": func(l *logged) { <-l.Rotate(l.stream.Written(), aof.AppendPlace(commands("SELECT 3"), place)) },
	} {
		d := disktest.New()
		dir := openBased(t, d)
		l := newLogged(t, dir, d, false)
		l.add("SET a 1")
		if err := <-l.Flush(l.stream.Written()); err != nil {
			t.Fatal(err)
		}
		room := 3
		if name == "rotate" { // the new manifest still goes
			m := dir.Manifest()
			m.Incr = append(m.Incr, m.Incr[0])
			room += len(m.Format())
		}
		d.Limit(int64(room))
		say(l)
		l.add("SET b 2")
		until(t, "the disk is full", func() bool { return l.Err() != nil })
		d.Limit(-1)
		if err := <-l.Flush(l.stream.Written()); err != nil {
			t.Fatal(err)
		}
		var s story
		want := "0:SET b 2"
		if name == "rotate" {
			want = "3:SET b 2"
		}
		if err := open(t, d.Crash(nil)).Load(&s, false, nil); err != nil || s.told[len(s.told)-1] != want || s.place != place {
			t.Errorf("%s: loaded %q at %v, %v", name, s.told, s.place, err)
		}
	}
}

// The last sync of a log that another one has replaced says nothing about the
// history that the other one writes.
func TestHorizonOfAReplacedLog(t *testing.T) {
	t.Parallel()
	d := disktest.New()
	dir := openBased(t, d)
	l := newLogged(t, dir, d, false)
	d.Slow(100 * time.Millisecond)
	syncs := d.Syncs()
	l.add("SET a 1")
	until(t, "the write is in the file", func() bool { return l.Pos() == l.stream.Written() })
	old := l.Log
	l.stream.Reset(5)
	l.start(true, old.Done())
	<-old.Done()
	if d.Syncs() == syncs {
		t.Fatal("the old log has synced nothing")
	}
	if got := l.horizon.Synced(); got != 0 {
		t.Errorf("after the history was replaced, %d bytes of it count as synced", got)
	}
}

// While the disk takes its time for the sync of a second, the file is written: a
// process that is killed meanwhile loses no more than at other times.
func TestWritesGoOnDuringASync(t *testing.T) {
	t.Parallel()
	d := disktest.New()
	l := newLogged(t, open(t, d), d, false)
	l.SetPolicy(aof.EverySecond)
	release := sync.OnceFunc(d.Hold())
	t.Cleanup(release)
	l.add("SET a 1")
	until(t, "a sync is under way", func() bool { return d.Holding() == 1 })
	during := l.Pos()
	l.add("SET b 2")
	until(t, "the file is written", func() bool { return l.Pos() == l.stream.Written() })
	if synced := l.horizon.Synced(); synced >= during || d.Holding() != 1 {
		t.Errorf("%d bytes are called durable, and %d syncs are under way", synced, d.Holding())
	}
	release()
	until(t, "all is durable", func() bool { return l.horizon.Synced() == l.stream.Written() })
}

// A reply that is about to leave has what it tells of written first, and waits for
// no sync.
func TestCatchingUp(t *testing.T) {
	t.Parallel()
	d := disktest.New()
	dir := openBased(t, d)
	l := newLogged(t, dir, d, false)
	written := func() bool { return l.Pos() == l.stream.Written() }
	catchesUp := func(policy string) {
		t.Helper()
		for range 200 {
			l.add("SET a 1")
			if l.horizon.CatchUp(); !written() {
				t.Fatalf("%s: %d of %d bytes are written", policy, l.Pos(), l.stream.Written())
			}
		}
	}
	l.SetPolicy(aof.Never)
	l.add("SET a 1")
	until(t, "the log has begun", written)
	until(t, "there is no sync", func() bool { l.add("SET a 1"); l.horizon.CatchUp(); return written() })
	catchesUp("never")

	release := sync.OnceFunc(d.Hold())
	t.Cleanup(release)
	l.SetPolicy(aof.EverySecond)
	until(t, "a sync is under way", func() bool { return d.Holding() == 1 })
	l.add("SET b 2")
	l.horizon.CatchUp() // would wait for ever
	until(t, "the file is written beside the sync", written)
	rotated := l.Rotate(l.stream.Written(), commands("SELECT 0"))
	l.add("SET c 3")
	l.horizon.CatchUp()
	if written() {
		t.Error("something was written behind a rewrite's beginning before that began")
	}
	release()
	if err := <-rotated; err != nil {
		t.Fatal(err)
	}
	until(t, "all is durable", func() bool { return l.horizon.Synced() == l.stream.Written() })
	catchesUp("everysec, no second after a sync")

	d.Limit(5)
	l.add("SET d 4")
	l.horizon.CatchUp()
	until(t, "the disk is full", func() bool { return l.Err() != nil })
	d.Limit(-1)
	until(t, "the file goes on", func() bool { return l.Err() == nil && written() })
	var s story
	if err := open(t, d).Load(&s, false, nil); err != nil || s.told[len(s.told)-1] != "0:SET d 4" {
		t.Errorf("loaded %q, %v", s.told, err)
	}
}

// Loops catch up while the log writes, syncs and rotates by itself: the file has
// the stream, once and in order.
func TestCatchingUpOnManyLoops(t *testing.T) {
	t.Parallel()
	d := disktest.New()
	dir := openBased(t, d)
	l := newLogged(t, dir, d, false)
	l.SetPolicy(aof.EverySecond)
	const loops, writes = 3, 2000
	var all sync.WaitGroup
	var engine sync.Mutex
	for range loops {
		all.Go(func() {
			for i := range writes {
				engine.Lock()
				l.add("INCR n")
				switch i {
				case 500:
					l.Rotate(l.stream.Written(), commands("SELECT 0"))
				case 1000:
					l.Flush(l.stream.Written())
				case 1500:
					l.Note(l.stream.Written(), aof.AppendTime(nil, 1))
				}
				engine.Unlock()
				l.horizon.CatchUp()
			}
		})
	}
	all.Wait()
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	l.horizon.CatchUp()
	var s story
	if err := open(t, d.Crash(nil)).Load(&s, false, nil); err != nil || len(s.told) != loops*(writes+1) { // each file begins with SELECT
		t.Errorf("loaded %d of %d units, %v", len(s.told), loops*(writes+1), err)
	}
}
