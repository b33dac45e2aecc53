package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"holdfast/backend/check"
)

const untilFlag = "truncate-to-timestamp"

// printAOF tells of each file what redis-check-aof does, in its words, for the
// scripts that look for them, and what is in it.
func printAOF(w io.Writer, r check.AOFReport, o check.AOFOptions, err error) {
	head := "Start checking Old-Style AOF"
	if r.Manifest {
		head = "Start checking Multi Part AOF"
	}
	fmt.Fprintln(w, head)
	for i, file := range r.Files {
		if r.Manifest && !file.Base && (i == 0 || r.Files[i-1].Base) {
			fmt.Fprintln(w, "Start to check INCR files.")
		}
		printPart(w, file, r.Manifest)
		switch last := i == len(r.Files)-1; { // the one that has the fault, or was cut
		case last && r.Kept != "":
			printCut(w, file, r.Kept, o.Until)
		case !last || err == nil:
			printValid(w, file, r.Manifest, o.Until)
		}
	}
	printFault(w, r, err)
	if err == nil && r.Manifest {
		fmt.Fprintln(w, "All AOF files and manifest are valid")
	}
}

func printPart(w io.Writer, file check.Report, manifest bool) {
	switch {
	case manifest && file.Base && file.Version > 0:
		fmt.Fprintln(w, "Start to check BASE AOF (RDB format).")
	case manifest && file.Base:
		fmt.Fprintln(w, "Start to check BASE AOF (RESP format).")
	}
	if file.Preamble {
		fmt.Fprintln(w, "RDB preamble is OK, proceeding with AOF tail...")
	}
	printReport(w, file)
}

func printValid(w io.Writer, file check.Report, manifest bool, until int64) {
	name, kind, is := filepath.Base(file.File), "AOF", "valid"
	switch {
	case manifest && file.Base:
		kind = "BASE AOF"
	case manifest:
		kind = "INCR AOF"
	}
	if file.Size == 0 {
		is = "empty"
	} else if until != 0 {
		fmt.Fprintf(w, "Truncate nothing in AOF %s to timestamp %d\n", name, until)
	}
	fmt.Fprintln(w, kind, name, "is", is)
}

func printCut(w io.Writer, file check.Report, kept string, until int64) {
	fmt.Fprint(w, "Successfully truncated AOF ", filepath.Base(file.File))
	if until != 0 {
		fmt.Fprint(w, " to timestamp ", until)
	}
	fmt.Fprintln(w, "\nWhat was cut off is now in", kept)
}

// printFault says where the first fault is, or was.
func printFault(w io.Writer, r check.AOFReport, err error) {
	var f *check.Fault
	if !errors.As(err, &f) || len(r.Files) == 0 {
		return
	}
	line, err := f.Line()
	if err != nil {
		return // the fault itself is told of
	}
	size := r.Files[len(r.Files)-1].Size
	fmt.Fprintf(w, "AOF analyzed: filename=%s, size=%d, ok_up_to=%d, ok_up_to_line=%d, diff=%d\n", filepath.Base(f.File), size, f.Good, line, size-f.Good)
}
