package consensus

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// hclogger writes raft's log lines to slog, one level lower than raft thinks of
// them: an election is daily business of a sentinel, and what it means for the
// nodes is logged by us.
type hclogger struct {
	log  *slog.Logger
	name string
	args []any
}

func (l hclogger) Log(level hclog.Level, msg string, args ...any) {
	to := slogLevel(level)
	if !l.log.Enabled(context.Background(), to) {
		return
	}
	text := "raft: " + msg
	for i := 0; i+1 < len(args); i += 2 {
		text += fmt.Sprintf(" %v=%v", args[i], args[i+1])
	}
	l.log.Log(context.Background(), to, text)
}

func slogLevel(level hclog.Level) slog.Level {
	switch level {
	case hclog.Error, hclog.Warn:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

func (l hclogger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l hclogger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l hclogger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l hclogger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l hclogger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l hclogger) IsTrace() bool { return l.is(hclog.Trace) }
func (l hclogger) IsDebug() bool { return l.is(hclog.Debug) }
func (l hclogger) IsInfo() bool  { return l.is(hclog.Info) }
func (l hclogger) IsWarn() bool  { return l.is(hclog.Warn) }
func (l hclogger) IsError() bool { return l.is(hclog.Error) }

func (l hclogger) is(level hclog.Level) bool {
	return l.log.Enabled(context.Background(), slogLevel(level))
}

func (l hclogger) ImpliedArgs() []any             { return l.args }
func (l hclogger) With(args ...any) hclog.Logger  { l.args = append(l.args, args...); return l }
func (l hclogger) Name() string                   { return l.name }
func (l hclogger) Named(name string) hclog.Logger { l.name = name; return l }
func (l hclogger) ResetNamed(name string) hclog.Logger {
	l.name = name
	return l
}
func (l hclogger) SetLevel(hclog.Level)  {}
func (l hclogger) GetLevel() hclog.Level { return hclog.NoLevel }
func (l hclogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return slog.NewLogLogger(l.log.Handler(), slog.LevelInfo)
}
func (l hclogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer {
	return l.StandardLogger(nil).Writer()
}
