package check

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"holdfast/backend/internal/aof"
)

// mend cuts the last file where all before a fault is whole.
func mend(f *Fault, last bool) (kept string, err error) {
	switch {
	case !last:
		return "", fmt.Errorf("%w. Failed to truncate AOF %s because it is not the last file", f, filepath.Base(f.File))
	case !f.mendable:
		return "", fmt.Errorf("%w; a cut cannot mend it", f)
	}
	// What a torn end held was never whole on the disk, and so never confirmed.
	return cut(f.File, f.Good, !errors.Is(f.Err, aof.ErrTruncated))
}

// cutLate cuts the last file before what is later than until.
func cutLate(r Report, late *aof.Late, until int64, last bool) (kept string, err error) {
	name := filepath.Base(r.File)
	switch {
	case r.Units == 0 && r.Version == 0:
		return "", fmt.Errorf("%w: AOF %s has nothing before timestamp %d, aborting", ErrNotCut, name, until)
	case !last:
		return "", fmt.Errorf("%w: Failed to truncate AOF %s to timestamp %d to offset %d because it is not the last file: "+
			"delete the files behind it, and their lines of the manifest, first", ErrNotCut, name, until, late.At)
	}
	return cut(r.File, late.At, true)
}

// cut moves what stands behind an offset into a file of its own. Where that may
// have been confirmed, the node is not any more what its group takes it for.
func cut(name string, at int64, confirmed bool) (kept string, err error) {
	if confirmed {
		if err := disprove(name); err != nil {
			return "", err
		}
	}
	in, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer in.Close()
	if _, err := in.Seek(at, io.SeekStart); err != nil {
		return "", err
	}
	kept = fmt.Sprintf("%s.cut-at-%d", name, at)
	out, err := os.OpenFile(kept, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, in)
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return "", err
	}
	return kept, aof.OS.Truncate(name, at)
}

// disprove takes away, durably, what proves to the group of the node whose
// append-only file this is that it has all it confirmed: its dir is the one above
// the files of a manifest. A file of that name which is no proof stays.
func disprove(file string) error {
	file, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	dir := filepath.Dir(filepath.Dir(file))
	proof := filepath.Join(dir, aof.ProofFile)
	b, err := os.ReadFile(proof)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var says struct {
		Incarnation string `json:"incarnation"`
	}
	if err != nil || json.Unmarshal(b, &says) != nil || says.Incarnation == "" {
		return err
	}
	if err := os.Remove(proof); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Line counts the lines up to where all is whole, from where the commands begin in
// the file: the number of the line that is not whole.
func (f *Fault) Line() (int64, error) {
	file, err := os.Open(f.File)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	line, in := int64(1), bufio.NewReader(io.NewSectionReader(file, f.text, max(0, f.Good-f.text)))
	for {
		switch _, err := in.ReadSlice('\n'); err {
		case nil:
			line++
		case bufio.ErrBufferFull:
		case io.EOF:
			return line, nil
		default:
			return 0, err
		}
	}
}
