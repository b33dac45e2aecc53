package aof

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"holdfast/backend/resp"
)

// LostAbout says which part of a replication stream a node gives up: what stands
// in it from From to To, the master of another history does not have.
type LostAbout struct {
	ID       string // of the stream
	Epoch    uint64 // that it ends in: the writes are of this one, or of those before
	From, To uint64 // positions
	Master   string // who does not have it: address and, where known, its epoch
	// Missing tells why the file cannot begin at From, or why From is not known; ""
	// when nothing is missing.
	Missing string
	// Answered is a position up to which the replies are known to have left.
	Answered uint64
}

// Lost is a file of what a node gives up, dir/lost-<epoch>.aof: an append-only
// file of its own, which Redis and a node load and check-aof reads. Four lines
// that begin with # say what it is (lostHead); the writes follow, byte for byte,
// in order and each with its database. Units without effect on data are left
// out; when there is no other, there is no file.
//
// It appears under its name, durably, with Keep.
type Lost struct {
	LostAbout
	Writes   int // units that it has
	Acked    int // of these, up to Answered
	disk     Disk
	dir      string
	file     File
	pending  []byte
	db       int // selected behind what it has
	position uint64
}

// NewLost begins a file in dir. at is the position of the first Unit.
func NewLost(disk Disk, dir string, about LostAbout, at uint64) *Lost {
	if disk == nil {
		disk = OS
	}
	return &Lost{LostAbout: about, disk: disk, dir: dir, db: -1, position: at}
}

// lostLines is how many lines the head has.
const lostLines = 4

// lostHead is what the file begins with. The first line is the same whenever the
// same part of a stream is given up.
func (l *Lost) lostHead() string {
	whole := "All of them are here."
	if l.Missing != "" {
		whole = "NOT ALL OF THEM ARE HERE: " + l.Missing + "."
	}
	return fmt.Sprintf("#HF-LOST: epoch=%d from=%d to=%d replid=%s complete=%s\r\n"+
		"# Writes that this node had and gave up, because %s does not have them.\r\n"+
		"# %s\r\n"+
		"# To look: holdfast check-aof FILE. To replay: tail -n +%d FILE | redis-cli -p PORT --pipe\r\n",
		l.Epoch, l.From, l.To, l.ID, map[bool]string{true: "yes", false: "no"}[l.Missing == ""], l.Master, whole, lostLines+1)
}

func (l *Lost) temp() string { return filepath.Join(l.dir, fmt.Sprintf("temp-lost-%d.aof", l.Epoch)) }

// Unit adds a unit of the stream; all of them are passed, in order.
func (l *Lost) Unit(u *Unit) error {
	l.position += uint64(len(u.Raw))
	if !u.Effective() {
		return nil
	}
	l.Writes++
	if l.position <= l.Answered {
		l.Acked++
	}
	if db := u.Commands[0].DB; db != l.db {
		l.pending = resp.AppendCommand(l.pending, "SELECT", fmt.Sprint(db))
	}
	l.db = u.DB
	l.pending = append(l.pending, u.Raw...)
	if len(l.pending) < 64<<10 {
		return nil
	}
	return l.flush()
}

func (l *Lost) flush() (err error) {
	if l.file == nil {
		if l.file, err = l.disk.Create(l.temp()); err != nil {
			return err
		}
		l.pending = append([]byte(l.lostHead()), l.pending...)
	}
	_, err = l.file.Write(l.pending)
	l.pending = l.pending[:0]
	return err
}

// Keep makes the file durable and gives it its name, which it returns: "" when
// there is nothing to keep. One that has the name already and tells of another
// part of a stream is not touched: a number is added then.
func (l *Lost) Keep() (name string, err error) {
	defer l.Drop()
	if l.Writes == 0 && l.Missing == "" {
		return "", nil
	}
	if err = l.flush(); err == nil {
		err = l.file.Sync()
	}
	if err == nil {
		name, err = l.freeName()
	}
	if err == nil {
		err = l.disk.Rename(l.temp(), filepath.Join(l.dir, name))
	}
	if err == nil {
		err = l.disk.SyncDir(l.dir)
	}
	if err != nil {
		return "", fmt.Errorf("cannot keep what is given up in %s: %w", l.dir, err)
	}
	return name, nil
}

// Drop gives the file up, unless it was kept.
func (l *Lost) Drop() {
	if l.file != nil {
		_ = l.file.Close()
		_ = l.disk.Remove(l.temp()) // in vain after the rename
		l.file = nil
	}
}

// freeName finds the name: that of the epoch, of which a file may be there that
// a crash left behind with the same in it.
func (l *Lost) freeName() (string, error) {
	own, _, _ := strings.Cut(l.lostHead(), "\r\n")
	for k := 1; ; k++ {
		name := fmt.Sprintf("lost-%d", l.Epoch)
		if l.Missing != "" {
			name += "-incomplete"
		}
		if k > 1 {
			name += fmt.Sprintf("-%d", k)
		}
		name += ".aof"
		f, _, err := l.disk.Open(filepath.Join(l.dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		head := make([]byte, len(own))
		_, err = io.ReadFull(f, head)
		f.Close()
		if err == nil && bytes.Equal(head, []byte(own)) {
			return name, nil
		}
	}
}

// Effective tells whether the unit changes data: keepalives, records and requests
// for acknowledgement do not.
func (u *Unit) Effective() bool {
	for _, c := range u.Commands {
		if name := string(c.Args[0]); !strings.EqualFold(name, "ping") && !strings.EqualFold(name, "replconf") {
			return true
		}
	}
	return false
}
