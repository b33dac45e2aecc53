package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/spf13/cobra"

	"holdfast/conf"
)

// A part is a long-running face: Run serves until ctx ends or it cannot go on.
type part interface {
	Run(ctx context.Context) error
	Letter() byte // what it is in Redis's log lines, at the moment
}

// assembler makes a part of its settings.
type assembler[C conf.Config] func(settings *conf.Settings[C], log *slog.Logger) (part, error)

// partCommand is the subcommand of a part. Its flags are directives, which the
// configuration reads by itself.
func partCommand[C conf.Config](name, short, long string, assemble assembler[C]) *cobra.Command {
	return &cobra.Command{
		Use:   name + " [FILE] [--KEY VALUE …]",
		Short: short,
		Long: long + `

FILE ends in .toml or is read in Redis's syntax; - is standard input. Every
directive is also a flag, its values behind it, and flags stand above the file.`,
		DisableFlagParsing:    true,
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "-v" || args[0] == "--version") {
				fmt.Fprintln(cmd.OutOrStdout(), redisVersionLine())
				return nil
			}
			if wantsHelp(args) {
				defer printDirectives(cmd.OutOrStdout(), name)
				return cmd.Help()
			}
			return runPart(cmd.Context(), args, assemble)
		},
	}
}

// printDirectives lists what the part's files and flags may say. Those that do
// nothing here, and are only accepted for the sake of Redis's files, are left
// out.
func printDirectives(w io.Writer, name string) {
	part := map[string]conf.Part{"node": conf.Node, "sentinel": conf.Sentinel, "proxy": conf.Proxy}[name]
	fmt.Fprintln(w, "\nDirectives, with their defaults:")
	for _, d := range conf.Directives(part) {
		if d.Inert == "" && !d.Has(conf.Hidden) {
			fmt.Fprintf(w, "  --%s %q\n      %s\n", strings.Replace(d.Name, "monitor.", "monitor.NAME.", 1), d.Default, d.Doc)
		}
	}
}

// runPart loads, prepares, assembles and runs a part.
func runPart[C conf.Config](ctx context.Context, args []string, assemble assembler[C]) error {
	file, flags := conf.SplitFlags(args)
	settings, err := conf.Load[C](file, flags)
	if err != nil {
		return err
	}
	cfg := common(settings)
	if cfg.Daemonize && !isDaemon() {
		if file == "-" {
			return errors.New("daemonize: the configuration on standard input cannot be read a second time in the background; put it into a file")
		}
		return daemonize()
	}
	if _, isProxy := any(settings).(*conf.Settings[conf.ProxyConfig]); !isProxy { // which writes nothing
		dir, err := conf.PrepareDir(cfg.Dir)
		if err != nil {
			return err
		}
		if err := settings.Put(conf.Pair{Name: "dir", Value: dir}); err != nil {
			return err
		}
	}
	var running atomic.Pointer[part]
	log, closer, err := openLog(cfg, letterOf(&running), func() string { return common(settings).LogLevel })
	if err != nil {
		return err
	}
	defer closer.Close()
	removePid, err := writePid(cfg.PidFile)
	if err != nil {
		log.Warn("Failed to write PID file: " + err.Error())
	}
	defer removePid()
	for _, w := range settings.Warnings() {
		log.Warn(w.String())
	}
	p, err := assemble(settings, log)
	if err != nil {
		return err
	}
	running.Store(&p)
	return serve(ctx, p, log)
}

// serve runs p and writes how it ended into its log too, where an operator
// looks.
func serve(ctx context.Context, p part, log *slog.Logger) error {
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE) // as redis-server does
	defer noteCrashes(log)()
	if s, ok := p.(signalled); ok {
		ctx = context.WithoutCancel(ctx)
		defer relaySignals(s)()
	}
	err := p.Run(ctx)
	if err != nil {
		log.Error(err.Error())
	} else {
		log.Warn("Holdfast is now ready to exit, bye bye...")
	}
	return err
}

// signalled is a part that decides itself what a signal to end means.
type signalled interface{ Signal(os.Signal) }

// relaySignals passes signals on until stop is called.
func relaySignals(s signalled) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for sig := range signals {
			s.Signal(sig)
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}

// letterOf is the letter of the part once there is one, C before.
func letterOf(running *atomic.Pointer[part]) func() byte {
	return func() byte {
		if p := running.Load(); p != nil {
			return (*p).Letter()
		}
		return 'C'
	}
}

// common is the part of the settings that all faces share, as it is now.
func common[C conf.Config](s *conf.Settings[C]) *conf.Common {
	switch c := any(s.Config()).(type) {
	case *conf.NodeConfig:
		return &c.Common
	case *conf.SentinelConfig:
		return &c.Common
	case *conf.ProxyConfig:
		return &c.Common
	}
	panic("a configuration of no part")
}

// writePid writes the process id and returns what removes the file again.
func writePid(file string) (remove func(), err error) {
	if file == "" {
		return func() {}, nil
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return func() {}, err
	}
	return func() { os.Remove(file) }, nil
}

// daemonMark stands in the environment of a process that runs in the background
// already. A flag would do, too, but CONFIG REWRITE carries flags into the file.
const daemonMark = "HOLDFAST_DAEMON"

// isDaemon tells whether this process was started by daemonize. Only the first to
// ask is told, so that no process started by this one takes itself for it.
func isDaemon() bool {
	defer os.Unsetenv(daemonMark)
	return os.Getenv(daemonMark) != ""
}

// daemonize starts this program once more in a session of its own, without a
// terminal, and ends this process.
func daemonize() error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Env = append(os.Environ(), daemonMark+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("daemonize: %w", err)
	}
	return cmd.Process.Release()
}
