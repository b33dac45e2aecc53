package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"holdfast/backend/netio"
	"holdfast/cmd/internal/cli"
	"holdfast/conf"
)

// cliFlags are redis-cli's, as far as they mean something here.
type cliFlags struct {
	host, socket, uri         string
	port, db, repeat          int
	user, password            string
	ask, quiet                bool
	interval                  float64
	resp2, resp3              bool
	raw, formatted            bool
	csv, json, quotedJSON     bool
	between, behind           string
	last, exitCode            bool
	tag                       string
	tls, insecure             bool
	sni, ca, caDir, cert, key string
	pipe                      bool
	pipeTimeout               int
	scan, bigKeys, memKeys    bool
	pattern, kind             string
	count, samples            int
	stat, latency             bool
	latencyHistory            bool
	eval                      string
	rdb, functionsRDB         string
	replica                   bool
	version                   bool
}

func (f *cliFlags) register(s *pflag.FlagSet) {
	s.SetInterspersed(false) // a command's own dashes are the command's
	s.Bool("help", false, "help for cli")
	s.BoolVarP(&f.version, "version", "v", false, "version for cli")
	s.BoolP("cluster", "c", false, "nothing: there is no cluster to follow; taken for the sake of scripts")
	_ = s.MarkHidden("cluster")
	s.StringVarP(&f.host, "host", "h", "127.0.0.1", "host of the server")
	s.IntVarP(&f.port, "port", "p", 6380, "port of the server")
	s.StringVarP(&f.socket, "socket", "s", "", "Unix socket of the server, in place of host and port")
	s.StringVarP(&f.uri, "uri", "u", "", "the server as redis://user:password@host:port/db, rediss:// for TLS")
	s.IntVarP(&f.db, "db", "n", 0, "database")
	s.StringVar(&f.user, "user", "", "user to authenticate as")
	s.StringVarP(&f.password, "password", "a", "", "password to authenticate with; or the variable REDISCLI_AUTH")
	s.StringVar(&f.password, "pass", "", "the same")
	s.BoolVar(&f.ask, "askpass", false, "ask for the password")
	s.BoolVar(&f.quiet, "no-auth-warning", false, "say nothing about a password on the command line")
	s.BoolVarP(&f.resp2, "resp2", "2", false, "speak RESP2")
	s.BoolVarP(&f.resp3, "resp3", "3", false, "speak RESP3")
	s.IntVarP(&f.repeat, "repeat", "r", 1, "send the command so many times; -1: for ever")
	s.Float64VarP(&f.interval, "interval", "i", 0, "seconds between two of these, and of --stat and --latency-history")
	s.BoolVar(&f.raw, "raw", false, "print bare values")
	s.BoolVar(&f.formatted, "no-raw", false, "print for people")
	s.BoolVar(&f.csv, "csv", false, "print CSV")
	s.BoolVar(&f.json, "json", false, "print JSON; RESP3 unless -2")
	s.BoolVar(&f.quotedJSON, "quoted-json", false, "print JSON whose strings are all printable")
	s.StringVarP(&f.between, "delimiter", "d", "\n", "between the elements of a bare reply")
	s.StringVarP(&f.behind, "end", "D", "\n", "behind a bare reply")
	s.BoolVarP(&f.exitCode, "exit-code", "e", false, "exit 1 when the reply is an error, as always here")
	s.BoolVarP(&f.last, "stdin", "x", false, "standard input is the last argument")
	s.StringVarP(&f.tag, "stdin-tag", "X", "", "standard input stands where this word does")
	f.registerTLS(s)
	f.registerModes(s)
}

func (f *cliFlags) registerTLS(s *pflag.FlagSet) {
	s.BoolVar(&f.tls, "tls", false, "connect by TLS")
	s.StringVar(&f.sni, "sni", "", "name to ask for in TLS")
	s.StringVar(&f.ca, "cacert", "", "file of authorities to check the server against; none: the system's")
	s.StringVar(&f.caDir, "cacertdir", "", "directory of such files")
	s.BoolVar(&f.insecure, "insecure", false, "do not check the server's certificate")
	s.StringVar(&f.cert, "cert", "", "certificate to show")
	s.StringVar(&f.key, "key", "", "its private key")
}

func (f *cliFlags) registerModes(s *pflag.FlagSet) {
	s.BoolVar(&f.pipe, "pipe", false, "send the requests that standard input holds, and count the replies")
	s.IntVar(&f.pipeTimeout, "pipe-timeout", 30, "seconds without a reply after which --pipe gives up; 0: never")
	s.BoolVar(&f.scan, "scan", false, "print the keys")
	s.BoolVar(&f.bigKeys, "bigkeys", false, "find the values with the most elements")
	s.BoolVar(&f.memKeys, "memkeys", false, "find the values that take the most memory")
	s.IntVar(&f.samples, "memkeys-samples", 5, "elements looked at in each value; 0: all")
	s.StringVar(&f.pattern, "pattern", "", "with --scan, --bigkeys, --memkeys: keys that match it")
	s.StringVar(&f.kind, "type", "", "with --scan: keys of that type")
	s.IntVar(&f.count, "count", 0, "keys to ask for at once")
	s.BoolVar(&f.stat, "stat", false, "print a line about the server's load each second")
	s.BoolVar(&f.latency, "latency", false, "measure how long PING takes")
	s.BoolVar(&f.latencyHistory, "latency-history", false, "the same, a new line each 15 seconds")
	s.StringVar(&f.rdb, "rdb", "", "put a snapshot of the server's data into a file; -: print it")
	s.StringVar(&f.functionsRDB, "functions-rdb", "", "the same of its functions alone")
	s.BoolVar(&f.replica, "replica", false, "print the commands that the server sends to its replicas")
	s.StringVar(&f.eval, "eval", "", "run the script of a file; arguments are keys, and those behind a comma values")
}

// options turns the flags into the client's.
func (f *cliFlags) options(flags *pflag.FlagSet) (cli.Options, error) {
	o := cli.Options{Addr: net.JoinHostPort(f.host, strconv.Itoa(f.port)), User: f.user, Password: f.password, DB: f.db,
		RESP3: f.resp3 || (f.json || f.quotedJSON) && !f.resp2, Output: f.output(),
		Between: f.between, Behind: f.behind, Repeat: f.repeat, Interval: time.Duration(f.interval * float64(time.Second))}
	if f.socket != "" {
		o.Addr = f.socket
	}
	if err := f.fromURI(&o); err != nil {
		return o, err
	}
	given := flags.Changed("password") || flags.Changed("pass") || f.uri != "" && o.Password != ""
	switch env := os.Getenv("REDISCLI_AUTH"); {
	case f.ask:
		fmt.Fprint(os.Stderr, "Please input password: ")
		text, err := term.ReadPassword(int(os.Stdin.Fd()))
		fmt.Fprintln(os.Stderr)
		if err != nil {
			return o, err
		}
		o.Password = string(text)
	case given && !f.quiet && isTerminal(os.Stderr):
		fmt.Fprintln(os.Stderr, "Warning: a password on the command line can be read by others of this machine; REDISCLI_AUTH and --askpass keep it to yourself.")
	case !given && env != "":
		o.Password = env
	}
	var err error
	if f.tls {
		o.TLS, err = f.secret()
	}
	return o, err
}

func (f *cliFlags) output() cli.Output {
	switch {
	case f.json:
		return cli.JSON
	case f.quotedJSON:
		return cli.QuotedJSON
	case f.csv:
		return cli.CSV
	case f.raw, !f.formatted && !isTerminal(os.Stdout):
		return cli.Bare
	}
	return cli.ForPeople
}

// fromURI takes redis://[[user:]password@]host[:port][/db].
func (f *cliFlags) fromURI(o *cli.Options) error {
	if f.uri == "" {
		return nil
	}
	u, err := url.Parse(f.uri)
	switch {
	case err != nil:
		return errors.New("the URI is not valid: write redis://user:password@host:port/db")
	case u.Scheme == "rediss":
		f.tls = true
	case u.Scheme != "redis":
		return errors.New("the URI must begin with redis:// or rediss://")
	}
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = f.host
	}
	if port == "" {
		port = strconv.Itoa(f.port)
	}
	o.Addr = net.JoinHostPort(host, port)
	if u.User != nil {
		name := u.User.Username()
		if password, both := u.User.Password(); both {
			o.User, o.Password = name, password
		} else {
			o.Password = name
		}
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil {
			return fmt.Errorf("the URI's database %q is no number", db)
		}
	}
	return nil
}

// secret is the configuration of TLS. As redis-cli does, it checks who signed
// the server's certificate and not whose name it bears.
func (f *cliFlags) secret() (*tls.Config, error) {
	cfg, err := netio.ClientTLS(&conf.TLS{CACertFile: f.ca, CACertDir: f.caDir, CertFile: f.cert, KeyFile: f.key})
	if err != nil {
		return nil, err
	}
	cfg.ServerName = f.sni
	if f.insecure {
		cfg.VerifyConnection = nil
	}
	return cfg, nil
}
