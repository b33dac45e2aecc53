package main

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"holdfast/cmd/internal/cli"
)

func cliCommand() *cobra.Command {
	var o cli.Options
	var host string
	var port int
	cmd := &cobra.Command{
		Use:   "cli [flags] [COMMAND [ARG …]]",
		Short: "Send one command, or commands from a prompt",
		Long: `Cli sends a command and prints its reply; without a command it reads commands from
standard input, one a line. Replies are printed as redis-cli prints them: for
people on a terminal, bare otherwise. It exits 1 when the reply is an error.`,
		Example: `  holdfast cli -p 6380 set abc hahahahah
  holdfast cli -p 26379 sentinel masters`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Addr = net.JoinHostPort(host, strconv.Itoa(port))
			if !cmd.Flags().Changed("raw") {
				o.Raw = !isTerminal(os.Stdout)
			}
			return runCli(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	f.SetInterspersed(false) // a command's own dashes are the command's
	f.Bool("help", false, "help for cli")
	f.StringVarP(&host, "host", "h", "127.0.0.1", "host of the server")
	f.IntVarP(&port, "port", "p", 6380, "port of the server")
	f.StringVar(&o.User, "user", "", "user to authenticate as")
	f.StringVarP(&o.Password, "password", "a", "", "password to authenticate with")
	f.BoolVarP(&o.RESP3, "resp3", "3", false, "speak RESP3")
	f.BoolVar(&o.Raw, "raw", false, "print bare values")
	return cmd
}

func runCli(ctx context.Context, o cli.Options, args []string) error {
	c := cli.New(o, os.Stdout)
	defer c.Close()
	if len(args) == 0 {
		return c.Prompt(ctx, os.Stdin, isTerminal(os.Stdin))
	}
	err := c.Do(ctx, args...)
	if errors.Is(err, cli.ErrReply) {
		return exitStatus(1) // it was printed
	}
	return err
}

// isTerminal tells whether somebody looks at the file.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
