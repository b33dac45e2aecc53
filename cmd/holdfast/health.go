package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"holdfast/backend/client"
	"holdfast/backend/resp"
)

func healthCommand() *cobra.Command {
	var timeout time.Duration
	var password string
	cmd := &cobra.Command{
		Use:   "health ADDR",
		Short: "Exit 0 when the part at ADDR answers PING, else 1",
		Long: `Health sends one PING to a node, a sentinel or a proxy and exits 0 when it answers
within the timeout. An answer that says the part is loading or wants a password
is an answer: the process lives. It is what a container's HEALTHCHECK runs.`,
		Example: "  holdfast health 127.0.0.1:6380",
		Args:    oneArgument("address"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return health(ctx, args[0], password)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 2*time.Second, "give up after this long")
	cmd.Flags().StringVarP(&password, "password", "a", "", "password to authenticate with")
	return cmd
}

// health reports why the part at addr cannot be called alive, or nil. An error
// reply to PING is a sign of life; one to the password is a mistake of who asks.
func health(ctx context.Context, addr, password string) error {
	conn, err := client.Dial(ctx, addr, client.Options{Password: password})
	if _, refused := errors.AsType[resp.Error](err); refused {
		return fmt.Errorf("%s answers, and refuses the password: %w", addr, err)
	}
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", addr, err)
	}
	defer conn.Close()
	_, err = conn.Do(ctx, "PING")
	if _, answered := errors.AsType[resp.Error](err); err == nil || answered {
		return nil
	}
	return fmt.Errorf("%s took the connection and did not answer PING: %w", addr, err)
}
