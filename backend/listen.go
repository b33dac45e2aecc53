package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"holdfast/backend/netio"
	"holdfast/conf"
)

// listen opens the control port and then the data port, so that whoever can
// reach the data can be told what to do.
func (n *Node) listen(cfg *conf.NodeConfig) error {
	addrs, err := listenAddrs(cfg)
	if err != nil {
		return err
	}
	n.server = netio.NewServer(netio.Options{
		Addrs: addrs, Loops: max(cfg.EventLoops, 1),
		Accept: n.accept, KeepAlive: cfg.TCPKeepalive, Log: n.log,
	})
	if n.control, err = n.listenControl(); err != nil {
		return err
	}
	if err := n.server.Start(); err != nil {
		n.control.close()
		return err
	}
	if cfg.UnixSocket != "" && cfg.UnixPerm != 0 {
		if err := os.Chmod(cfg.UnixSocket, os.FileMode(cfg.UnixPerm)); err != nil {
			return errors.Join(err, n.unlisten())
		}
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

// listenAddrs turns bind, port and unixsocket into gnet's addresses.
func listenAddrs(cfg *conf.NodeConfig) ([]string, error) {
	var out []string
	if cfg.Port != 0 {
		for _, host := range bindable(cfg) {
			out = append(out, "tcp://"+net.JoinHostPort(host, strconv.Itoa(cfg.Port)))
		}
	}
	if name := cfg.UnixSocket; name != "" {
		// gnet removes whatever stands at that path.
		if info, err := os.Lstat(name); err == nil && info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("unixsocket %s: there is a file that is no socket; remove it or choose another path", name)
		}
		out = append(out, "unix://"+name)
	}
	if len(out) == 0 {
		return nil, errors.New("nothing to listen on: set port, with a bind address this machine has, or unixsocket")
	}
	return out, nil
}

// bindable lists the hosts of bind without the optional ones that this machine
// does not have.
func bindable(cfg *conf.NodeConfig) []string {
	var out []string
	for _, a := range cfg.BindAddrs() {
		if a.Optional {
			ln, err := net.Listen("tcp", a.Join(0))
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
	n.mu.Lock()
	defer n.mu.Unlock()
	cfg := n.cfg()
	n.stats.connections++
	if len(n.clients) >= cfg.MaxClients {
		n.stats.rejected++
		c.Write([]byte("-ERR max number of clients reached\r\n"))
		return nil
	}
	if protected(cfg, c.RemoteAddr()) {
		n.stats.rejected++
		c.Write([]byte(protectedText))
		return nil
	}
	n.lastID++
	now := time.Now().UnixMilli()
	s := &session{
		node: n, conn: c, id: n.lastID, proto: 2, created: now, lastActive: now,
		addr: c.RemoteAddr().String(), localAddr: c.LocalAddr().String(),
	}
	s.parser.BulkLimit = int(cfg.ProtoMaxBulkLen)
	s.setAuthed(cfg.RequirePass == "")
	n.clients[s.id] = s
	s.count()
	return s
}

const protectedText = "-DENIED Holdfast is running in protected mode: no password is set, so only connections from this machine are accepted. " +
	"Set requirepass, or protected-mode no where the network is trusted.\r\n"

// protected tells whether protected mode keeps a peer out.
func protected(cfg *conf.NodeConfig, peer net.Addr) bool {
	return cfg.ProtectedMode && cfg.RequirePass == "" && !local(peer)
}

func local(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}
