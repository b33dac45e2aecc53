package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"holdfast/backend/netio"
	"holdfast/conf"
)

// listen opens the control port and then the data port, so that whoever can
// reach the data can be told what to do.
func (n *Node) listen(cfg *conf.NodeConfig) error {
	addrs := listenAddrs(cfg)
	if len(addrs) == 0 {
		return errors.New("Configured to not listen anywhere, exiting.")
	}
	if err := n.loadTLS(cfg); err != nil {
		return fmt.Errorf("Failed to configure TLS. Check logs for more info: %w", err)
	}
	n.server = netio.NewServer(netio.Options{
		Addrs: addrs, UnixPerm: os.FileMode(cfg.UnixPerm), Loops: max(cfg.EventLoops, 1), TLS: n.serverTLS,
		Accept: n.accept, KeepAlive: cfg.TCPKeepalive, Log: n.log,
	})
	var err error
	if n.control, err = n.listenControl(); err != nil {
		return err
	}
	if err = n.server.Start(); err != nil {
		n.log.Warn(fmt.Sprintf("Failed listening on port %d (tcp), aborting.", cfg.Port))
		n.control.close()
	}
	return err
}

// fitClients sees that there are descriptors for maxclients clients, and lowers
// the setting where there are not.
func (n *Node) fitClients(maxclients int) error {
	fit, err := netio.FitFileLimit(maxclients, 0, n.log)
	if err != nil || fit == maxclients {
		return err
	}
	return n.settings.Put(conf.Pair{Name: "maxclients", Value: strconv.Itoa(fit)})
}

// fitMoreClients is fitClients for CONFIG SET.
func (n *Node) fitMoreClients(maxclients int) error {
	if maxclients <= n.cfg().MaxClients {
		return nil
	}
	fit, err := netio.FitFileLimit(maxclients, 0, n.log)
	if err == nil && fit < maxclients {
		err = fmt.Errorf("The operating system is not able to handle the specified number of clients, try with %d", fit)
	}
	if err != nil {
		return &conf.SetError{Name: "maxclients", Err: err}
	}
	return nil
}

// Refusals of CONFIG SET port, bind and tls-*, in Redis's words.
var (
	errPort = errors.New("Unable to listen on this port. Check server logs.")
	errBind = errors.New("Failed to bind to specified addresses.")
	errTLS  = errors.New("Unable to update TLS configuration. Check server logs.")
)

// listenAnew moves to other addresses while the node runs. The control port
// stays where it is: those who use it would not know where to look.
func (n *Node) listenAnew(next *conf.NodeConfig, changed []string) error {
	name, refusal := "bind", errBind
	for _, port := range []string{"port", "tls-port"} {
		if slices.Contains(changed, port) {
			name, refusal = port, errPort
		}
	}
	if name == "bind" && !slices.Contains(changed, name) || n.server == nil {
		return nil
	}
	if err := n.server.Listen(listenAddrs(next)); err != nil {
		n.log.Warn(err.Error())
		return &conf.SetError{Name: name, Err: refusal}
	}
	return nil
}

// unlisten closes both ports and all connections. It may be called again.
func (n *Node) unlisten() error {
	if n.control != nil {
		n.control.close()
	}
	if n.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(n.server.Stop(ctx), n.server.Wait())
}

// listenAddrs turns bind, the ports and unixsocket into netio's addresses.
func listenAddrs(cfg *conf.NodeConfig) []string {
	var out []string
	for _, host := range bindable(cfg) {
		if cfg.Port != 0 {
			out = append(out, "tcp://"+net.JoinHostPort(host, strconv.Itoa(cfg.Port)))
		}
		if cfg.TLS.Port != 0 {
			out = append(out, "tls://"+net.JoinHostPort(host, strconv.Itoa(cfg.TLS.Port)))
		}
	}
	if cfg.UnixSocket != "" {
		out = append(out, "unix://"+cfg.UnixSocket)
	}
	return out
}

// bindable lists the hosts of bind without the optional ones that this machine
// does not have.
func bindable(cfg *conf.NodeConfig) []string {
	var out []string
	for _, a := range cfg.BindAddrs() {
		if a.Optional {
			ln, err := netio.ListenTCP(a.Join(0), 0)
			if err != nil {
				continue
			}
			ln.Close()
		}
		out = append(out, a.Host)
	}
	return out
}

// accept makes the session of a new client.
func (n *Node) accept(c *netio.Conn) netio.Session {
	n.mu.LockParted()
	defer n.mu.Unlock()
	cfg := n.cfg()
	n.stats.connections++
	if len(n.clients) >= cfg.MaxClients {
		n.stats.rejected++
		c.Write([]byte("-ERR max number of clients reached\r\n"))
		return nil
	}
	if n.protected(c.RemoteAddr()) {
		n.stats.rejected++
		c.Write([]byte(protectedText))
		return nil
	}
	c.Loop().OnFlush = n.horizon.CatchUp
	n.lastID++
	now := time.Now().UnixMilli()
	s := &session{
		node: n, conn: c, id: n.lastID, proto: 2, created: now, lastActive: now,
		addr: c.RemoteAddr().String(), localAddr: c.LocalAddr().String(),
	}
	s.parser.BulkLimit = int(cfg.ProtoMaxBulkLen)
	s.logOut()
	n.clients[s.id] = s
	s.count()
	return s
}

const protectedText = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. " +
	"In this mode connections are only accepted from the loopback interface. " +
	"Set requirepass or a password of the default user, or protected-mode no where the network is trusted.\r\n"

// protected tells whether protected mode keeps a peer out.
func (n *Node) protected(peer net.Addr) bool {
	return n.cfg().ProtectedMode && n.users.Default().NoPass() && !local(peer)
}

func local(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}
