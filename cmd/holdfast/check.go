package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"holdfast/backend/check"
)

// Exit codes of the checks: 1 is a file that is not valid, 2 one that could not
// be read at all.
const (
	exitBroken     exitStatus = 1
	exitUnreadable exitStatus = 2
)

func checkRDBCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check-rdb FILE",
		Short: "Say whether a snapshot file is whole, and what is in it",
		Long: `Check-rdb reads a snapshot file of a node or of a Redis to its end and sums up what
is in it. Where it is not valid, the offset of the first fault is printed.
It exits 0 when the file is valid, 1 when it is not, 2 when it cannot be read.`,
		Example: "  holdfast check-rdb data/n1/dump.rdb",
		Args:    oneArgument("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			bar := newBar()
			r, err := check.RDB(args[0], bar)
			bar.end()
			printReport(cmd.OutOrStdout(), r)
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), "Valid.")
			}
			return verdict(cmd, err)
		},
	}
}

func checkAOFCommand() *cobra.Command {
	var o check.AOFOptions
	cmd := &cobra.Command{
		Use:   "check-aof FILE",
		Short: "Say whether an append-only file is whole, and what is in it",
		Long: `Check-aof reads an append-only file of a node or of a Redis: all files that a
manifest lists, or a single one. Where one is not valid, the offset of the first
fault is printed. With --fix the last file is cut behind its last whole command.
With --truncate-to-timestamp it is cut before what was written later than that
Unix time in seconds, as far as the file has annotations of the time
(aof-timestamp-enabled), and the rest is not checked. What is cut off is kept in a
file beside it. Stop the node first.
It exits 0 when all is valid, or was cut, 1 when it is not, 2 when a file cannot be
read.`,
		Example: `  holdfast check-aof --fix data/n1/appendonlydir/appendonly.aof.manifest
  holdfast check-aof --truncate-to-timestamp $(date -d '10 minutes ago' +%s) data/n1/appendonlydir/appendonly.aof.manifest`,
		Args: oneArgument("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed(untilFlag) && o.Until <= 0 {
				return fmt.Errorf("--%s: a Unix time in seconds is above 0", untilFlag)
			}
			bar := newBar()
			o.Progress = bar
			r, err := check.AOF(args[0], o)
			bar.end()
			printAOF(cmd.OutOrStdout(), r, o, err)
			return verdict(cmd, err)
		},
	}
	cmd.Flags().BoolVar(&o.Fix, "fix", false, "cut the last file behind its last whole command")
	cmd.Flags().Int64Var(&o.Until, untilFlag, 0, "cut the last file before what was written later than this Unix time in `seconds`")
	cmd.MarkFlagsMutuallyExclusive("fix", untilFlag)
	return cmd
}

func verdict(cmd *cobra.Command, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, check.ErrBroken), errors.Is(err, check.ErrNotCut):
		fmt.Fprintln(cmd.ErrOrStderr(), "holdfast:", err)
		return exitBroken
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "holdfast:", err)
	return exitUnreadable
}

func printReport(w io.Writer, r check.Report) {
	if r.Size == 0 {
		return // empty, or not to be read
	}
	fmt.Fprintf(w, "%s: %d bytes\n", r.File, r.Size)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	if r.Version > 0 {
		fmt.Fprintf(w, "RDB version %d, written by version %s: %d keys, %d of them expire\n", r.Version, cmp.Or(r.Writer, "unknown"), r.Keys, r.Expires)
		printCounts(t, "type\tkeys\telements\tbytes\t", r.Types)
	}
	if r.Units > 0 {
		fmt.Fprintf(w, "%d commands and transactions\n", r.Units)
		printCounts(t, "command\tnumber\twords\tbytes\t", r.Names)
	}
}

func printCounts(t *tabwriter.Writer, head string, counts []check.Count) {
	fmt.Fprintln(t, head)
	for _, c := range counts {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t\n", c.Name, c.Number, c.Elements, c.Bytes)
	}
	t.Flush()
}

// bar shows how far a file is read, on a terminal only.
type bar struct{ now *progressbar.ProgressBar }

func newBar() *bar { return new(bar) }

// File begins a new bar.
func (b *bar) File(name string, size int64) {
	b.end()
	if info, err := os.Stderr.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return
	}
	b.now = progressbar.NewOptions64(size, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription(filepath.Base(name)), progressbar.OptionSetWidth(30), progressbar.OptionClearOnFinish())
}

// Write counts what was read.
func (b *bar) Write(p []byte) (int, error) {
	if b.now != nil {
		_ = b.now.Add(len(p)) // it can only fail to draw
	}
	return len(p), nil
}

func (b *bar) end() {
	if b.now != nil {
		_ = b.now.Clear()
		b.now = nil
	}
}
