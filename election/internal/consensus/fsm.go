package consensus

import (
	"io"

	"github.com/hashicorp/raft"
)

// fsm shows a Machine to raft.
type fsm struct {
	m        Machine
	replayTo uint64 // index of the last entry in the log when it was opened
}

func (f *fsm) Apply(l *raft.Log) any {
	if err := f.m.Apply(l.Data, l.Index <= f.replayTo); err != nil {
		return err
	}
	return nil
}

func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	b, err := f.m.Snapshot()
	return snapshot(b), err
}

func (f *fsm) Restore(r io.ReadCloser) error {
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return f.m.Restore(b)
}

type snapshot []byte

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write(s); err != nil {
		sink.Cancel()
		return err
	}
	return sink.Close()
}

func (s snapshot) Release() {}
