package repl

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

var errNoReceiver = errors.New("no replica is left to receive the snapshot")

// transfer is one snapshot, sent to all the replicas that asked before it
// began. It is the io.Writer that the Source writes to.
type transfer struct {
	m     *Feeds
	part  Part
	feeds []*feed // guarded by m.mu until the transfer begins; then those still receiving
	cut   Cut
	mark  string   // the end mark of receivers that know it
	spool *os.File // for those that do not; nil without any
	began bool     // headers are out
	alive time.Time
}

// fullResync joins a snapshot, keeps the connection alive until it begins, and
// returns when all of it was sent.
func (f *feed) fullResync() error {
	f.m.join(f)
	tick := time.NewTicker(keepalivePeriod)
	defer tick.Stop()
	for {
		select {
		case err := <-f.sent:
			return err
		case <-tick.C:
			f.keepalive()
		case <-f.ctx.Done():
			if f.retire() {
				return context.Cause(f.ctx)
			}
			return <-f.sent
		}
	}
}

// keepalive writes a newline as long as the connection is the feed's.
func (f *feed) keepalive() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken {
		return
	}
	_ = f.conn.SetWriteDeadline(time.Now().Add(keepalivePeriod))
	if _, err := f.conn.Write([]byte("\n")); err != nil {
		f.end(err)
	}
}

// take gives the connection to a transfer; false when the feed has ended.
func (f *feed) take() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.taken = !f.over
	return f.taken
}

// retire ends the wait for a transfer; false when one has the connection.
func (f *feed) retire() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = !f.taken
	return f.over
}

// join adds f to the transfer of what it asks for that is about to begin.
func (m *Feeds) join(f *feed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.pending, func(t *transfer) bool { return t.part == f.hello.Part })
	if i < 0 {
		i = len(m.pending)
		t := &transfer{m: m, part: f.hello.Part, mark: NewID()}
		m.pending = append(m.pending, t)
		m.group.Go(t.run)
	}
	m.pending[i].feeds = append(m.pending[i].feeds, f)
}

// run waits for company and for its turn, and sends the snapshot.
func (t *transfer) run() {
	t.gather()
	t.m.walk <- struct{}{}
	defer func() { <-t.m.walk }()
	t.m.mu.Lock()
	t.m.pending = slices.DeleteFunc(t.m.pending, func(other *transfer) bool { return other == t })
	t.m.mu.Unlock()
	t.claim()
	if len(t.feeds) == 0 {
		return
	}
	err := t.send()
	if t.spool != nil {
		t.spool.Close()
	}
	for _, f := range t.feeds {
		f.sent <- err
	}
}

// gather waits for company, as long as the settings of the moment ask for it.
func (t *transfer) gather() {
	const look = 20 * time.Millisecond
	for began := time.Now(); t.m.ctx.Err() == nil; wait(t.m.ctx, look) {
		limit, enough := t.m.cfg.SyncDelay()
		t.m.mu.Lock()
		here := len(t.feeds)
		t.m.mu.Unlock()
		if time.Since(began) >= limit || enough > 0 && here >= enough {
			return
		}
	}
}

// claim keeps the feeds that are still there.
func (t *transfer) claim() {
	var live []*feed
	for _, f := range t.feeds {
		if f.take() {
			f.setState(FeedSnapshot)
			live = append(live, f)
		}
	}
	t.feeds = live
}

func (t *transfer) send() error {
	if err := t.openSpool(); err != nil {
		return err
	}
	if err := t.m.cfg.Source.Snapshot(t.m.ctx, t.part, t.begin, t); err != nil {
		return fmt.Errorf("snapshot for full resynchronization: %w", err)
	}
	t.each(func(f *feed) error {
		if f.hello.EOF {
			return f.write([]byte(t.mark))
		}
		return t.sendSpool(f)
	})
	t.m.cfg.Log.Info(fmt.Sprintf("Diskless rdb transfer, done reading from pipe, %d replicas still up.", len(t.feeds)))
	return nil
}

// begin runs under the engine lock, at the cut.
func (t *transfer) begin() Cut {
	t.cut = t.m.cfg.Stream.Cut()
	for _, f := range t.feeds {
		f.reader.Store(t.m.cfg.Stream.log.Reader(t.cut.Offset, f.end))
	}
	return t.cut
}

// Write sends a piece of the snapshot to every receiver, each within the
// timeout. It fails when none is left.
func (t *transfer) Write(p []byte) (int, error) {
	if !t.began {
		t.began = true
		t.each(t.header)
	}
	if t.spool != nil {
		if _, err := t.spool.Write(p); err != nil {
			return 0, err
		}
	}
	beat := time.Since(t.alive) > keepalivePeriod
	if beat {
		t.alive = time.Now()
	}
	t.each(func(f *feed) error {
		switch {
		case f.hello.EOF:
			return f.write(p)
		case beat:
			return f.write([]byte("\n"))
		}
		return nil
	})
	if len(t.feeds) == 0 {
		t.m.cfg.Log.Warn("Diskless rdb transfer, last replica dropped, killing fork child.")
		return 0, errNoReceiver
	}
	return len(p), nil
}

func (t *transfer) header(f *feed) error {
	var h string
	if !f.hello.Old {
		h = fmt.Sprintf("+FULLRESYNC %s %d\r\n", t.cut.ID, t.cut.Offset)
	}
	if f.hello.EOF {
		h += "$EOF:" + t.mark + "\r\n"
	}
	if h == "" {
		return nil
	}
	return f.write([]byte(h))
}

// each does something for every receiver and gives back those that fail.
func (t *transfer) each(do func(*feed) error) {
	live := t.feeds[:0]
	for _, f := range t.feeds {
		err := context.Cause(f.ctx)
		if err == nil {
			err = do(f)
		}
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				f.timedOut()
			}
			f.sent <- err
			continue
		}
		live = append(live, f)
	}
	t.feeds = live
}

// wait sleeps for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
