package backend

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/rdb"
	"holdfast/backend/internal/script"
	"holdfast/backend/internal/store"
)

// reloading is what DEBUG RELOAD is to do otherwise.
type reloading struct {
	noSave  bool // load the file as it is
	noFlush bool // beside what is there
	merge   bool // where both have a key or a library, take the file's
}

// debugReload saves the data and loads it again, all under the engine lock.
func debugReload(s *session, x *commands.Ctx) {
	var how reloading
	for _, option := range x.Args[2:] {
		switch strings.ToLower(string(option)) {
		case "nosave":
			how.noSave = true
		case "noflush":
			how.noFlush = true
		case "merge":
			how.merge = true
		default:
			x.Err("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
			return
		}
	}
	if err := s.node.reload(how); err != nil {
		s.node.log.Warn("DEBUG RELOAD failed", "err", err)
		x.Err("ERR Error trying to load the RDB dump, check server logs.")
		return
	}
	s.node.log.Warn("DB reloaded by DEBUG RELOAD")
	x.OK()
}

func (n *Node) reload(how reloading) error {
	name := filepath.Join(n.cfg().Dir, n.cfg().DBFilename)
	if !how.noSave {
		if err := n.saveAtOnce(name); err != nil {
			return err
		}
	}
	fresh, info, err := n.readFile(name)
	if err != nil {
		return err
	}
	if how.noFlush {
		defer fresh.Close()
		return n.addData(fresh, info, how.merge)
	}
	if err := n.replaceFunctions(info.Functions); err != nil {
		fresh.Close()
		return err
	}
	n.replaceStore(fresh).Close()
	return nil
}

// saveAtOnce writes the snapshot file without letting anybody in.
func (n *Node) saveAtOnce(name string) error {
	enc := n.rdbWriter()
	walk, err := n.store.StartWalk(enc.Entry)
	if err != nil {
		return err
	}
	enc.Header(n.place())
	if _, err := walk.Step(math.MaxInt); err != nil {
		return err
	}
	temp := name + ".reload"
	if err := os.WriteFile(temp, enc.Seal(enc.Take(rdb.Piece{}), true), 0o644); err != nil {
		return err
	}
	return os.Rename(temp, name)
}

var errConflict = errors.New("the snapshot has a key that is there already")

// addData adds loaded data to what is there.
func (n *Node) addData(fresh *store.Store, info rdb.Info, merge bool) error {
	policy := script.Append
	if merge {
		policy = script.Replace
	} else if err := walkAll(fresh, func(db int, key []byte, _ store.Value, _ int64) error {
		if n.store.DB(db).Has(key) {
			return errConflict
		}
		return nil
	}); err != nil {
		return err
	}
	codes := make([][]byte, len(info.Functions))
	for i, code := range info.Functions {
		codes[i] = []byte(code)
	}
	if fail := n.scripts.Restore(&scriptHost{s: &n.origin}, codes, policy); fail != "" {
		return errors.New(fail)
	}
	var payload []byte
	return walkAll(fresh, func(db int, key []byte, v store.Value, expire int64) (err error) {
		if payload, err = rdb.AppendDump(payload[:0], v); err != nil {
			return err
		}
		copied, err := rdb.Undump(n.store, payload, rdb.Undumping{})
		if err != nil {
			return err
		}
		return copied.Put(n.store.DB(db), bytes.Clone(key), expire)
	})
}

// walkAll calls f with every entry.
func walkAll(s *store.Store, f store.Sink) error {
	walk, err := s.StartWalk(f)
	if err == nil {
		_, err = walk.Step(math.MaxInt)
	}
	return err
}
