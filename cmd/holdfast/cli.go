package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"holdfast/backend"
	"holdfast/cmd/internal/cli"
)

func cliCommand() *cobra.Command {
	var f cliFlags
	cmd := &cobra.Command{
		Use:   "cli [flags] [COMMAND [ARG …]]",
		Short: "Send one command, or commands from a prompt",
		Long: `Cli sends a command and prints its reply; without a command it asks for commands,
with history, completion and hints, or reads them from standard input, one a
line. Replies are printed as redis-cli prints them: for people on a terminal,
bare otherwise. It exits 1 when the reply is an error.

Further modes look at a whole server: --scan, --bigkeys, --memkeys, --stat,
--latency; --rdb and --functions-rdb save a snapshot of it, and --replica shows
what it sends to replicas; --pipe sends what standard input holds, and --eval a
script's file.`,
		Example: `  holdfast cli -p 6380 set abc hahahahah
  holdfast cli -p 26379 sentinel masters
  holdfast cli -u redis://alice:secret@10.0.0.1:6380/2 --scan --pattern 'user:*'
  holdfast cli --eval limit.lua key1 , 10
  holdfast cli -p 7001 --rdb backup.rdb
  cat requests.txt | holdfast cli --pipe`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.version {
				fmt.Fprintf(cmd.OutOrStdout(), "redis-cli %s (holdfast %s)\n", backend.RedisVersion, backend.Version)
				return nil
			}
			err := f.run(cmd.Context(), cmd.Flags(), args)
			switch {
			case errors.Is(err, cli.ErrReply):
				return exitStatus(1) // it was printed
			case err != nil:
				return f.tell(err)
			}
			return nil
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// tell prints a connection's error as redis-cli does, which scripts look for.
func (f *cliFlags) tell(err error) error {
	if text := err.Error(); !strings.HasPrefix(text, "Could not connect") && !strings.HasPrefix(text, "Error: ") {
		return err
	}
	fmt.Fprintln(os.Stderr, err)
	return exitStatus(1)
}

// run chooses what the flags ask for.
func (f *cliFlags) run(ctx context.Context, flags *pflag.FlagSet, args []string) error {
	o, err := f.options(flags)
	if err != nil {
		return err
	}
	if args, err = f.fill(args, os.Stdin); err != nil {
		return err
	}
	c := cli.New(o, os.Stdout, os.Stderr)
	defer c.Close()
	scan := cli.ScanOptions{Pattern: f.pattern, Type: f.kind, Count: f.count, Samples: f.samples}
	interval := f.every(time.Second)
	switch {
	case f.pipe:
		return c.Pipe(ctx, os.Stdin, time.Duration(f.pipeTimeout)*time.Second)
	case f.scan:
		return c.Scan(ctx, scan)
	case f.bigKeys || f.memKeys:
		return c.BigKeys(ctx, scan, f.memKeys)
	case f.stat:
		return c.Stat(ctx, interval)
	case f.latency:
		return c.Latency(ctx, 0)
	case f.latencyHistory:
		return c.Latency(ctx, f.every(15*time.Second))
	case f.rdb != "":
		return c.Backup(ctx, f.rdb, false)
	case f.functionsRDB != "":
		return c.Backup(ctx, f.functionsRDB, true)
	case f.replica:
		return c.Replica(ctx)
	case f.eval != "":
		return c.Eval(ctx, f.eval, args)
	case len(args) > 0:
		return c.Do(ctx, args...)
	case isTerminal(os.Stdin):
		return c.Prompt(ctx)
	}
	return c.Script(ctx, os.Stdin)
}

// fill puts what -x and -X read from in into the command.
func (f *cliFlags) fill(args []string, in io.Reader) ([]string, error) {
	switch {
	case f.last && f.tag != "":
		return nil, errors.New("-x and -X both say where standard input goes: take one of them")
	case !f.last && f.tag == "":
		return args, nil
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	if f.last {
		return append(args, string(text)), nil
	}
	found := false
	for i, arg := range args {
		if arg == f.tag {
			args[i], found = string(text), true
		}
	}
	if !found {
		return nil, fmt.Errorf("using -X option but stdin tag %q is not among the arguments", f.tag)
	}
	return args, nil
}

// every is --interval, or otherwise when that was not given.
func (f *cliFlags) every(otherwise time.Duration) time.Duration {
	if f.interval == 0 {
		return otherwise
	}
	return time.Duration(f.interval * float64(time.Second))
}

// isTerminal tells whether somebody looks at the file.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && !strings.HasSuffix(f.Name(), os.DevNull)
}
