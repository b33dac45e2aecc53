package conf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	real, data, mode, err := readToEdit(file)
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
	return WriteAtomic(real, []byte(text), mode)
}

// readToEdit reads a file, through links, which stay links.
func readToEdit(file string) (real string, data []byte, mode os.FileMode, err error) {
	real, err = filepath.EvalSymlinks(file)
	if err != nil {
		return "", nil, 0, err
	}
	info, err := os.Stat(real)
	if err != nil {
		return "", nil, 0, err
	}
	data, err = os.ReadFile(real)
	return real, data, info.Mode().Perm(), err
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

// Rewrite is CONFIG REWRITE: it carries every directive whose value is not what the file says into the file. With all it
// writes the others out too, defaults and what does nothing included (DEBUG CONFIG-REWRITE-FORCE-ALL).
func (s *Settings[C]) Rewrite(all bool) error {
	if s.file == "" || s.file == Stdin {
		return ErrNoFile
	}
	// Held against Set: two rewrites at once would each keep only their own changes.
	s.mu.Lock()
	defer s.mu.Unlock()
	was, err := s.inFile()
	if err != nil {
		return fmt.Errorf("rewriting: %w", err)
	}
	now := s.now.Load()
	var changes []Change
	for _, d := range Directives(s.part) {
		if isMonitorKey(d) || derived[d.Name] {
			continue
		}
		before, text := was.text(d), now.text(d)
		if before == text && !(all && d.Type != Lines && d.Type != Renames) || d.Name == "dir" && samePath(before, text) {
			continue
		}
		gone := text == "" && (d.Name == "replicaof" || d.Type == Lines || d.Type == Renames)
		changes = append(changes, Change{Key: d.Name, Text: text, Remove: gone})
	}
	return Rewrite(s.file, s.part, changes...)
}

// derived names what follows from other directives at the start: the file says less on purpose.
var derived = map[string]bool{"raft.members": true, "raft.listen": true, "raft.advertise": true}

// inFile is the configuration as the file alone has it.
func (s *Settings[C]) inFile() (*snapshot[C], error) {
	r := reader{part: s.part}
	if err := r.file(s.file); err != nil {
		return nil, err
	}
	said := gather(s.part, r.settings)
	was := &snapshot[C]{cfg: fill[C](said)}
	for _, v := range said.all {
		if v.monitor == "" {
			was.keepInert(v.directive, combine(v.directive, v.texts))
		}
	}
	return was, nil
}

// samePath reports whether two names mean the same directory: what was relative when the part started is absolute now.
func samePath(a, b string) bool {
	abs, err := filepath.Abs(a)
	return err == nil && abs == b
}
