package repl

import (
	"fmt"
	"io"
	"os"
)

// openSpool makes the file for receivers that want the length first. It has no
// name, so that nothing is left of it whatever happens.
func (t *transfer) openSpool() error {
	for _, f := range t.feeds {
		if f.hello.EOF {
			continue
		}
		file, err := os.CreateTemp(t.m.cfg.Dir, "temp-resync-*.rdb")
		if err != nil {
			return err
		}
		t.spool = file
		return os.Remove(file.Name())
	}
	return nil
}

func (t *transfer) sendSpool(f *feed) error {
	size, err := t.spool.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := t.spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := f.write(fmt.Appendf(nil, "$%d\r\n", size)); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := t.spool.Read(buf)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f.write(buf[:n]); err != nil {
			return err
		}
	}
}
