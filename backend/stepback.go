package backend

import (
	"context"
	"errors"
	"fmt"

	"holdfast/backend/internal/aof"
	"holdfast/backend/internal/repl"
	"holdfast/backend/internal/store"
)

// StepBack makes this node's history one that the master can go on from, if it has
// more than the master and that can be taken back: in memory where it
// changes no data (stepOver), or by a cut of the append-only file. Else a full
// resync follows, which keeps what is lost too.
func (f *follower) StepBack(ctx context.Context, m repl.Master) error {
	n := (*Node)(f)
	if stepped, err := n.stepOver(m); stepped || err != nil {
		return err
	}
	return n.cutLog(ctx, m)
}

// stepOver goes back to where the histories part if this node was not just started
// from its files, and what it has behind that are records and keepalives: a master
// tells what is confirmed when its replicas are being sealed already, and that must
// not cost it a full resync. Nothing is taken to be confirmed there but what was
// before.
func (n *Node) stepOver(m repl.Master) (stepped bool, err error) {
	n.mu.Lock()
	st, running := &n.standing, n.aof.log == nil || n.aof.loaded != n.stream.Offset()
	about := n.aboutTail(m)
	n.mu.Unlock()
	if !st.managed || !running || m.History == nil || m.History.DataEpoch() < st.acted || about == nil || about.Missing != "" {
		return false, nil
	}
	lost, err := n.tailFromBacklog(m)
	if err != nil || lost == nil {
		return false, err
	}
	defer lost.Drop()
	if lost.Writes > 0 || lost.Missing != "" {
		return false, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.stream.History().Back(m.History.ID, about.From)
	if h == nil {
		return false, nil
	}
	told := fmt.Sprintf("%d:barrier", min(about.From, n.stream.Told().Confirmed()))
	n.stream.Reset(h, about.From, n.stream.Position().DB)
	n.stream.Recall(told, false)
	n.hideLoaded()
	n.log.Info("Going back over the end of the stream, which changes no data and which the master does not have",
		"to", about.From, "from", about.To, "master", m.Addr)
	return true, nil
}

// cutLog cuts the append-only file where the histories part, if the node was
// just started from it: what is cut off goes to the lost file, and the data is read
// anew up to there. Commands are answered -LOADING meanwhile.
func (n *Node) cutLog(ctx context.Context, m repl.Master) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := n.beginStepBack(m, cancel)
	if s == nil {
		return nil
	}
	n.log.Warn("Cutting the append-only file: the master does not have its end", "at", s.about.From, "end", s.about.To, "master", m.Addr)
	err := s.run(ctx)
	s.end()
	switch {
	case s.broken:
		n.breakDown(err)
		return err
	case ctx.Err() != nil:
		return errors.New("the cut of the append-only file was called off")
	case err != nil:
		n.log.Warn("The append-only file could not be cut, and stays as it is: everything is asked for anew", "err", err)
	}
	return nil
}

// stepBack is one cut under way. It is an aof.Sink: up to the cut what the files
// hold is executed, behind it gathered.
type stepBack struct {
	logSink
	m       repl.Master
	about   *aof.LostAbout
	before  *store.Store
	history *repl.History
	db      int
	told    string
	codes   []string // functions
	lost    *aof.Lost
	reached bool
	file    string // of the last unit before the cut, and where that ends
	offset  int64
	broken  bool // the files and the data may differ: the node must end
}

// beginStepBack tells whether there is anything to cut, and that it can be: the
// files hold all there is, and nothing else writes them meanwhile.
func (n *Node) beginStepBack(m repl.Master, cancel context.CancelFunc) *stepBack {
	n.mu.Lock()
	defer n.mu.Unlock()
	a, st := &n.aof, &n.standing
	switch {
	case !st.managed, m.History == nil, m.History.DataEpoch() < st.acted:
		return nil
	case a.log == nil || a.log.Fresh() || a.failed != nil || a.loaded != n.stream.Offset():
		return nil
	case n.saves.busy || a.rewrite.cancel != nil || n.ending || n.loading.Load():
		return nil
	}
	about := n.aboutTail(m)
	if about == nil || about.Missing != "" {
		return nil
	}
	n.saves.busy = true // nor does a rewrite begin
	n.rewinding = cancel
	n.loading.Store(true)
	n.derive()
	return &stepBack{logSink: logSink{n: n, resume: true}, m: m, about: about, lost: n.newLost(about, about.From),
		history: n.stream.History(), db: n.stream.Position().DB, told: n.stream.Here().Told, codes: n.scripts.Codes()}
}

// end lets commands in again.
func (s *stepBack) end() {
	n := s.n
	n.mu.Lock()
	defer n.mu.Unlock()
	n.saves.busy, n.rewinding = false, nil
	n.loading.Store(false)
	n.derive()
}

// stayPut calls a cut off: another master is being looked for, which may want
// what would be cut.
func (n *Node) stayPut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.rewinding != nil {
		n.rewinding()
	}
}

// run reads, keeps and cuts, in this order: until the lost file is durable nothing
// of the files is touched.
func (s *stepBack) run(ctx context.Context) error {
	n := s.n
	defer s.lost.Drop()
	fresh, err := n.newStore()
	if err != nil {
		return err
	}
	if err := s.closeLog(); err != nil {
		fresh.Close()
		return err
	}
	n.mu.Lock()
	s.before = n.replaceStore(fresh)
	_ = n.replaceFunctions(nil) // no library can fail to load
	n.mu.Unlock()
	err = n.readLog(ctx, s)
	if err == nil && !s.reached {
		err = fmt.Errorf("no unit in the files ends at position %d", s.about.From)
	}
	if err == nil {
		err = n.keep(s.lost)
	}
	if err != nil {
		s.restore()
		return err
	}
	s.before.Close()
	return s.cut()
}

// closeLog ends the writing of the files. It had nothing left to write.
func (s *stepBack) closeLog() error {
	n := s.n
	n.mu.Lock()
	log := n.aof.log
	n.aof.log = nil
	n.mu.Unlock()
	if err := closeLog(log); err != nil {
		s.broken = n.continueLog(nil) != nil
		return err
	}
	return nil
}

// cut makes the files end where the data does now, under the master's name for
// the history, and goes on writing them.
func (s *stepBack) cut() error {
	n := s.n
	err := n.aof.dir.CutAt(s.file, s.offset)
	if err == nil {
		n.mu.Lock()
		n.stream.Continue(s.m.History.ID)
		n.hideLoaded()
		n.aof.loaded = n.stream.Offset()
		n.mu.Unlock()
		err = n.continueLog(aof.AppendPlace(nil, n.logPlace()))
	}
	s.broken = err != nil
	return err
}

// restore puts everything back as it was.
func (s *stepBack) restore() {
	n := s.n
	n.mu.Lock()
	fresh := n.replaceStore(s.before)
	err := n.replaceFunctions(s.codes)
	n.stream.Reset(s.history, s.about.To, s.db)
	n.stream.Recall(s.told, false)
	n.mu.Unlock()
	fresh.Close()
	if err = errors.Join(err, n.continueLog(nil)); err != nil {
		n.log.Error(err.Error())
		s.broken = true
	}
}

// Unit executes what stands before the cut and gathers what stands behind it.
func (s *stepBack) Unit(u *aof.Unit) error {
	switch {
	case !s.behind():
		s.file, s.offset = u.File, u.End
		return s.logSink.Unit(u)
	case s.file == "" && u.File == s.n.aof.dir.Manifest().Base.Name:
		return errors.New("it would have to be cut behind the snapshot in it")
	}
	return s.lost.Unit(u)
}

// Place counts only before the cut.
func (s *stepBack) Place(p aof.Place) error {
	if s.behind() {
		return nil
	}
	return s.logSink.Place(p)
}

// behind tells whether all that stays was read.
func (s *stepBack) behind() bool {
	s.reached = s.reached || s.placed && s.n.stream.Offset() == s.about.From
	return s.reached
}
