package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"holdfast/conf"
)

// Redis has one level more than slog: verbose, between debug and notice.
const levelVerbose = slog.Level(-2)

// openLog makes the logger that cfg asks for. role is Redis's letter for what
// the process is at the moment (M, S, X …). Levels follow CONFIG SET loglevel,
// because level is asked for every line.
func openLog(cfg *conf.Common, role func() byte, level func() string) (*slog.Logger, io.Closer, error) {
	var out io.WriteCloser = nopCloser{os.Stdout}
	if cfg.LogFile != "" {
		f, err := os.OpenFile(cfg.LogFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot open the logfile: %w", err)
		}
		out = f
	}
	if cfg.LogFormat == "json" {
		h := slog.NewJSONHandler(out, &slog.HandlerOptions{Level: levelFunc(level)})
		return slog.New(h).With("pid", os.Getpid()), out, nil
	}
	return slog.New(&redisHandler{out: out, mu: new(sync.Mutex), role: role, level: levelFunc(level)}), out, nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// levelFunc is the least level to log, by the name that loglevel has now.
type levelFunc func() string

// Level implements slog.Leveler.
func (f levelFunc) Level() slog.Level {
	switch f() {
	case "debug":
		return slog.LevelDebug
	case "verbose":
		return levelVerbose
	case "warning":
		return slog.LevelWarn
	case "nothing":
		return slog.LevelError + 1
	}
	return slog.LevelInfo
}

// redisHandler writes lines as Redis does (server.c, serverLogRaw):
//
//	4711:M 22 Nov 2025 13:41:00.123 * Ready to accept connections tcp
//
// Attributes follow the message as name=value.
type redisHandler struct {
	mu    *sync.Mutex // one line at a time, shared by all handlers of one log
	out   io.Writer
	role  func() byte
	level slog.Leveler
	group string // dotted, in front of the names
	attrs string // of With, formatted
}

// Enabled implements slog.Handler.
func (h *redisHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle implements slog.Handler.
func (h *redisHandler) Handle(_ context.Context, r slog.Record) error {
	b := make([]byte, 0, 256)
	b = strconv.AppendInt(b, int64(os.Getpid()), 10)
	b = append(b, ':', h.role(), ' ')
	b = r.Time.AppendFormat(b, "02 Jan 2006 15:04:05.000")
	b = append(b, ' ', levelMark(r.Level), ' ')
	b = append(b, strings.ReplaceAll(r.Message, "\n", "\\n")...)
	b = append(b, h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		b = appendAttr(b, h.group, a)
		return true
	})
	b = append(b, '\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := h.out.Write(b)
	return err
}

// levelMark is Redis's sign of a level.
func levelMark(l slog.Level) byte {
	switch {
	case l >= slog.LevelWarn:
		return '#'
	case l >= slog.LevelInfo:
		return '*'
	case l >= levelVerbose:
		return '-'
	}
	return '.'
}

func appendAttr(b []byte, group string, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		for _, inner := range v.Group() {
			b = appendAttr(b, group+a.Key+".", inner)
		}
		return b
	}
	if a.Equal(slog.Attr{}) {
		return b
	}
	text := v.String()
	if v.Kind() == slog.KindTime {
		text = v.Time().Format(time.RFC3339Nano)
	}
	if text == "" || strings.ContainsAny(text, " \"\n=") {
		text = strconv.Quote(text)
	}
	b = append(b, ' ')
	b = append(b, group...)
	b = append(b, a.Key...)
	b = append(b, '=')
	return append(b, text...)
}

// WithAttrs implements slog.Handler.
func (h *redisHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	b := []byte(h.attrs)
	for _, a := range attrs {
		b = appendAttr(b, h.group, a)
	}
	next.attrs = string(b)
	return &next
}

// WithGroup implements slog.Handler.
func (h *redisHandler) WithGroup(name string) slog.Handler {
	next := *h
	if name != "" {
		next.group += name + "."
	}
	return &next
}
