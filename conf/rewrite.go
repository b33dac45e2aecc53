package conf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// Change is one value to be carried into a file.
type Change struct {
	Key     string // the directive
	Monitor string // the group, for keys under "monitor."
	Text    string // the value, as CONFIG GET shows it
	Remove  bool   // take the directive out of the file; with "monitor.name", the whole group
}

// Rewrite carries changes into a part's file, in its own syntax: what stands elsewhere in the file, comments and order
// included, is left as it is. The file is replaced in one step, so that a crash leaves the old or the new one.
func Rewrite(file string, part Part, changes ...Change) error {
	real, err := filepath.EvalSymlinks(file) // a link stays a link
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", file, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", file, err)
	}
	data, err := os.ReadFile(real)
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", file, err)
	}
	edit := editLines
	if strings.HasSuffix(file, ".toml") {
		edit = editTOML
	}
	text := string(data)
	for _, c := range changes {
		d := Lookup(part, c.Key)
		if d == nil || isMonitorKey(d) != (c.Monitor != "") {
			return fmt.Errorf("rewriting %s: %s: %w", file, c.Key, unknown(part, c.Key))
		}
		text = edit(text, d, c)
	}
	if text == string(data) {
		return nil
	}
	return WriteAtomic(real, []byte(text), info.Mode().Perm())
}

// WriteAtomic replaces a file in one step that survives a crash: a temporary file beside it, synced, renamed over it, and
// the directory synced so that the new name is on disk too.
func WriteAtomic(file string, data []byte, mode os.FileMode) error {
	dir := filepath.Dir(file)
	temp, err := os.CreateTemp(dir, "."+filepath.Base(file)+"-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(mode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), file)
	}
	if err != nil {
		os.Remove(temp.Name())
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ErrNoFile is Redis's reply to CONFIG REWRITE of a server that was started without a file.
var ErrNoFile = redisText("The server is running without a config file")

// Rewrite is CONFIG REWRITE: it carries every directive whose value is not what the file says into the file.
func (s *Settings[C]) Rewrite() error {
	if s.file == "" || s.file == Stdin {
		return ErrNoFile
	}
	// Held against Set: two rewrites at once would each keep only their own changes.
	s.mu.Lock()
	defer s.mu.Unlock()
	r := reader{part: s.part}
	if err := r.file(s.file); err != nil {
		return fmt.Errorf("rewriting: %w", err)
	}
	inFile, now := fill[C](gather(s.part, r.settings)), s.Config()
	var changes []Change
	for _, d := range Directives(s.part) {
		if isMonitorKey(d) || !d.Rewritable() {
			continue
		}
		was, is := field(inFile, d), field(now, d)
		if reflect.DeepEqual(was.Interface(), is.Interface()) || d.Name == "raft.members" || d.Name == "raft.listen" || d.Name == "raft.advertise" {
			continue // raft's addresses were derived: the file says less on purpose
		}
		gone := d.Name == "replicaof" && is.IsZero()
		changes = append(changes, Change{Key: d.Name, Text: d.Format(is.Interface()), Remove: gone})
	}
	return Rewrite(s.file, s.part, changes...)
}
