package drill

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"holdfast/cmd/internal/load"
	"holdfast/cmd/internal/view"
)

// Options of a series of runs.
type Options struct {
	Dir      string // of the running group
	Password string // of all its parts; empty: none
	Fault    string // one of Faults
	Writers  int    // connections
	Reads    float64
	Pipeline int
	Runs     int
	Duration time.Duration // of load before the strike, and again once the group is whole
	Deadline time.Duration // for the group to be whole, before and after; 0: 60 s
}

// Outcome is what one run showed. Durations are in milliseconds.
type Outcome struct {
	Run       int              `json:"run"`
	Target    string           `json:"target"`
	Pause     float64          `json:"pause_ms"`      // without a successful write of anyone
	ReadPause float64          `json:"read_pause_ms"` // … read
	Slowest   float64          `json:"slowest_write_ms"`
	Serving   float64          `json:"serving_ms"` // from the strike until the group said that it serves
	Whole     float64          `json:"whole_ms"`   // … that every part is back
	Writes    int64            `json:"writes"`
	Reads     int64            `json:"reads"`
	Errors    map[string]int64 `json:"errors"`
	Worst     int64            `json:"most_errors_of_a_connection"`

	Acknowledged   int64    `json:"acknowledged"`
	Lost           int64    `json:"lost"`
	Doubled        int64    `json:"doubled"`
	Unknown        int64    `json:"unknown"`
	UnknownApplied int64    `json:"unknown_applied"`
	RefusedApplied int64    `json:"refused_applied"`
	Reordered      int64    `json:"reordered"`
	Stale          int64    `json:"stale_reads"`
	Examples       []string `json:"examples,omitempty"`
}

// Clean tells whether every promise was kept in the run.
func (o *Outcome) Clean() bool {
	return o.Lost+o.Doubled+o.RefusedApplied+o.Reordered+o.Stale == 0
}

// ErrDirty says that a promise was broken in some run; the report has said how.
var ErrDirty = errors.New("writes were lost, doubled or misplaced")

// Run makes the runs, tells report of each one, and returns them all. The error
// is ErrDirty, or why the series ended early.
func Run(ctx context.Context, o Options, report func(*Outcome)) ([]*Outcome, error) {
	fault, err := Find(o.Fault)
	if err != nil {
		return nil, err
	}
	if o.Writers < 1 || o.Runs < 1 || o.Reads < 0 || o.Reads > 1 {
		return nil, fmt.Errorf("drill: %d writers, %d runs and a share of reads of %v make no load", o.Writers, o.Runs, o.Reads)
	}
	if o.Deadline == 0 {
		o.Deadline = time.Minute
	}
	if _, err := (&group{dir: o.Dir}).state(); err != nil {
		return nil, err
	}
	ctx = view.WithPassword(ctx, o.Password)
	var all []*Outcome
	for i := range o.Runs {
		d := &run{Options: o, group: &group{dir: o.Dir}, fault: fault}
		outcome, err := d.run(ctx, i+1)
		if err != nil {
			return all, fmt.Errorf("run %d of %d: %w", i+1, o.Runs, err)
		}
		all = append(all, outcome)
		report(outcome)
	}
	for _, outcome := range all {
		if !outcome.Clean() {
			return all, ErrDirty
		}
	}
	return all, nil
}

// run is one run.
type run struct {
	Options
	group *group
	fault *Fault
	load  *load.Verified
}

func (d *run) run(ctx context.Context, number int) (*Outcome, error) {
	if err := d.await(ctx, d.group.whole); err != nil {
		return nil, fmt.Errorf("before the strike, %w", err)
	}
	if err := d.startLoad(ctx, number); err != nil {
		return nil, err
	}
	defer d.load.Stop()
	if err := pause(ctx, d.Duration); err != nil {
		return nil, err
	}
	out := &Outcome{Run: number}
	if err := d.strikeAndHeal(ctx, out); err != nil {
		return nil, err
	}
	if err := pause(ctx, d.Duration); err != nil {
		return nil, err
	}
	out.saw(d.load.Stop())
	return out, d.audit(ctx, out)
}

func (d *run) startLoad(ctx context.Context, number int) error {
	proxies, err := d.group.proxies()
	if err != nil {
		return err
	}
	d.load, err = load.StartVerified(ctx, load.VerifiedOptions{
		Addrs: proxies, Password: d.Password, Clients: d.Writers, Pipeline: d.Pipeline, Reads: d.Reads,
		Prefix: fmt.Sprintf("holdfast:drill:%d:%d:%d", os.Getpid(), time.Now().UnixMilli(), number),
	})
	return err
}

// strikeAndHeal breaks the part and waits until the group serves again, then
// until it is whole.
func (d *run) strikeAndHeal(ctx context.Context, out *Outcome) error {
	var s *strike
	var struck time.Time
	// A strike that fails has done nothing: it is tried again, because there may
	// be no leader to kill at the moment, or a switchover be refused.
	if err := d.await(ctx, func(ctx context.Context) (err error) {
		struck = time.Now()
		s, err = d.fault.strike(ctx, d.group)
		return err
	}); err != nil {
		return fmt.Errorf("%s: %w", d.fault.Name, err)
	}
	defer s.undo()
	out.Target = s.target
	if err := d.await(ctx, s.serving); err != nil {
		return fmt.Errorf("after %s of %s, %w", d.fault.Name, s.target, err)
	}
	if err := d.awaitWrites(ctx); err != nil {
		return fmt.Errorf("after %s of %s, %w", d.fault.Name, s.target, err)
	}
	out.Serving = milliseconds(time.Since(struck))
	s.undo()
	if err := d.await(ctx, d.group.whole); err != nil {
		return fmt.Errorf("after %s of %s, %w", d.fault.Name, s.target, err)
	}
	out.Whole = milliseconds(time.Since(struck))
	return nil
}

// awaitWrites waits until further writes succeed.
func (d *run) awaitWrites(ctx context.Context) error {
	before := d.load.Written()
	return d.await(ctx, func(context.Context) error {
		if d.load.Written() == before {
			return errors.New("no write succeeds")
		}
		return nil
	})
}

// await polls a condition until it holds. The error says what was still amiss
// at the deadline.
func (d *run) await(ctx context.Context, amiss func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.Deadline)
	defer cancel()
	for {
		err := amiss(ctx)
		if err == nil {
			return nil
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("the group is not well after %v: %w", d.Deadline, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (d *run) audit(ctx context.Context, out *Outcome) error {
	ctx, cancel := context.WithTimeout(ctx, d.Deadline)
	defer cancel()
	a, err := d.load.Audit(ctx)
	if err != nil {
		return fmt.Errorf("reading everything back: %w", err)
	}
	out.found(a)
	if !a.Clean() {
		return nil // the keys stay, as evidence
	}
	if err := d.load.Clean(ctx); err != nil {
		return fmt.Errorf("deleting the drill's keys: %w", err)
	}
	return nil
}

func (o *Outcome) saw(r *load.VerifiedResult) {
	o.Pause, o.ReadPause = milliseconds(r.WritePause), milliseconds(r.ReadPause)
	o.Slowest = milliseconds(r.Slowest)
	o.Writes, o.Reads = r.Writes, r.Reads
	o.Errors, o.Worst = r.Errors, r.WorstClient
}

func (o *Outcome) found(a *load.Audit) {
	o.Acknowledged, o.Lost, o.Doubled = a.Acknowledged, a.Lost, a.Doubled
	o.Unknown, o.UnknownApplied, o.RefusedApplied = a.Unknown, a.UnknownApplied, a.RefusedApplied
	o.Reordered, o.Stale, o.Examples = a.Reordered, a.Stale, a.Examples
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}
