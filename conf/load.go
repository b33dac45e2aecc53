package conf

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Load reads the configuration of the part that C is: the defaults, then the file ("" for none, Stdin for standard
// input), then standard input where Stdin is the last flag, then the flags: --key and its values. The error names every fault that was found, each with its place.
func Load[C Config](file string, flags []string) (*Settings[C], error) {
	return load[C](file, flags, os.Stdin)
}

// New is Load without a file, for tests and tools.
func New[C Config](flags ...string) (*Settings[C], error) { return load[C]("", flags, nil) }

func load[C Config](file string, flags []string, stdin io.Reader) (*Settings[C], error) {
	r := reader{part: partOf[C](), stdin: stdin}
	if file != "" {
		if err := r.file(file); err != nil {
			return nil, fmt.Errorf("cannot read the configuration: %w", err)
		}
	}
	if last := len(flags) - 1; last >= 0 && flags[last] == Stdin {
		if err := r.file(Stdin); err != nil {
			return nil, fmt.Errorf("cannot read the configuration: %w", err)
		}
		flags = flags[:last]
	}
	r.flags(flags)
	said := gather(r.part, r.settings)
	said.problems = append(r.problems, said.problems...)
	said.warnings = append(r.ignored, said.warnings...)
	cfg := fill[C](said)
	if len(said.problems) == 0 { // relations between wrong values say nothing
		validate(said, file, cfg)
	}
	if err := said.problems.err(); err != nil {
		return nil, err
	}
	s := Of(*cfg)
	s.file, s.warnings = file, said.warnings
	for _, v := range said.all {
		if v.directive.Inert != "" {
			s.now.Load().keepInert(v.directive, combine(v.directive, v.texts))
		}
	}
	return s, nil
}

// PrepareDir makes the directory (0700) if it is missing, checks that it can be written, and returns its absolute path.
func PrepareDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("dir %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", fmt.Errorf("dir %s cannot be made: %w", abs, err)
	}
	probe, err := os.CreateTemp(abs, ".writable-*")
	if err != nil {
		return "", fmt.Errorf("dir %s cannot be written: %w", abs, err)
	}
	defer os.Remove(probe.Name())
	return abs, probe.Close()
}
