package probe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"strconv"
	"strings"

	"holdfast/backend/client"
	"holdfast/backend/resp"
	"holdfast/election/internal/native"
)

// controlOffset is where the control port lies by default, above the data port.
const controlOffset = 10000

// connect makes the connection, finds out who is there, and reports it.
func (p *Probe) connect(ctx context.Context) error {
	p.as = *p.tuning.Load()
	if p.control != "" && p.connectControl(ctx, p.control) == nil {
		return nil
	}
	p.control = "" // the node may have come back with another one
	hello, err := p.connectData(ctx)
	switch {
	case err != nil && errors.Is(err, context.DeadlineExceeded):
		// Connected, but busy: a long script. The control port answers.
		if addr := p.controlAt(defaultControlPort(p.opt.Addr)); addr != "" && p.connectControl(ctx, addr) == nil {
			return nil
		}
		return err
	case err != nil:
		return err
	case hello == nil:
		p.runID, p.native = "", false
		p.report(Report{Kind: Connected, Barred: p.barred})
		return nil
	}
	p.conn.Close()
	return p.connectControl(ctx, p.controlAt(hello.ControlPort))
}

// connectControl connects to a control port and makes the node's process known.
func (p *Probe) connectControl(ctx context.Context, addr string) error {
	conn, hello, err := p.dial(ctx, addr)
	if err != nil {
		return err
	}
	if hello == nil {
		conn.Close()
		return errors.New("probe: a plain Redis listens at the control port " + addr)
	}
	p.conn, p.native, p.control, p.runID = conn, true, addr, hello.RunID
	if !conn.SameHost() {
		hello.Process = "" // nothing can be known of it from here
	}
	p.report(Report{Kind: Connected, Hello: hello, Control: addr})
	return nil
}

func (p *Probe) connectData(ctx context.Context) (*native.Hello, error) {
	conn, hello, err := p.dial(ctx, p.opt.Addr)
	if err != nil {
		return nil, err
	}
	p.conn = conn
	return hello, nil
}

// dial connects, authenticates and says HELLO. The node's answer is nil when it
// is a plain Redis.
func (p *Probe) dial(ctx context.Context, addr string) (*client.Conn, *native.Hello, error) {
	ctx, cancel := context.WithTimeout(ctx, p.as.Timeout)
	defer cancel()
	conn, err := client.Dial(ctx, addr, p.opt.Client)
	if err != nil {
		return nil, nil, err
	}
	hello, err := p.hello(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return conn, hello, nil
}

func (p *Probe) hello(ctx context.Context, conn *client.Conn) (*native.Hello, error) {
	login, err := p.auth(ctx, conn)
	if err != nil {
		return nil, err
	}
	p.barred = ""
	v, err := conn.Do(ctx, native.HelloArgs()...)
	switch {
	case err == nil:
		h, err := native.ParseHello(v)
		return &h, err
	case conn.Broken() != nil:
		return nil, err
	}
	// Any error reply comes from a living server. One that refuses is watched like
	// a plain one, which shows as NOAUTH in its PINGs too.
	if code, _, _ := strings.Cut(v.Text, " "); code == "NOAUTH" || code == "NOPERM" {
		p.barred = cmp.Or(login, v.Text)
	}
	return nil, nil
}

// auth goes on with an error reply, which it returns, as Redis Sentinel does: a node
// that wants no password must not look dead, and one that wants another will say
// NOAUTH.
func (p *Probe) auth(ctx context.Context, conn *client.Conn) (refusal string, broken error) {
	args := []string{"AUTH", p.as.Password}
	switch {
	case p.as.Password == "":
		return "", nil
	case p.as.User != "":
		args = []string{"AUTH", p.as.User, p.as.Password}
	}
	v, err := conn.Do(ctx, args...)
	if err != nil && conn.Broken() != nil {
		return "", err
	}
	if v.Err() != nil {
		refusal = v.Text
	}
	return refusal, nil
}

func (p *Probe) controlAt(port int) string {
	host, _, err := net.SplitHostPort(p.opt.Addr)
	if err != nil || port <= 0 || port > 65535 {
		return ""
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func defaultControlPort(addr string) int {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(port)
	return n + controlOffset
}

// do sends one request. An error reply is no failure of the connection.
func (p *Probe) do(ctx context.Context, args []string) (v resp.Value, refused, broken error) {
	ctx, cancel := context.WithTimeout(ctx, p.as.Timeout)
	defer cancel()
	v, err := p.conn.Do(ctx, args...)
	if p.conn.Broken() != nil {
		return v, nil, err
	}
	return v, err, nil
}
