package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// noteCrashes writes into the log that a signal of the kind that ends a broken
// process has come from outside, in the words that tools look for, and lets it
// take its course: Go then prints every goroutine's stack to standard error.
func noteCrashes(log *slog.Logger) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGABRT, syscall.SIGSEGV, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL)
	go func() {
		for sig := range signals {
			number := sig.(syscall.Signal)
			log.Error(fmt.Sprintf("Holdfast %s crashed by signal: %d", version(), number))
			signal.Reset(sig)
			_ = syscall.Kill(os.Getpid(), number)
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}
