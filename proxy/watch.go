package proxy

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	dial "holdfast/backend/client"
	"holdfast/conf"
	"holdfast/election/topology"
)

// staticTopology is that of a proxy without sentinels: what its file says.
func staticTopology(cfg *conf.ProxyConfig) *topology.Topology {
	t := &topology.Topology{Phase: topology.Stable, Version: 1, Master: topology.Node{Addr: cfg.Master, Up: true}}
	for _, addr := range cfg.Replicas {
		t.Replicas = append(t.Replicas, topology.Node{Addr: addr, Up: true})
	}
	return t
}

// watchSentinels listens to every sentinel at once, so that the first to know
// is heard and the loss of any one of them goes unnoticed.
func (p *Proxy) watchSentinels() {
	for _, addr := range p.cfg.Sentinels {
		p.spawn(func() { p.watchSentinel(addr) })
	}
}

// Waits of a watch.
const (
	sentinelSilence = 3 * time.Second // they speak every second
	sentinelRetry   = 250 * time.Millisecond
)

// watchSentinel follows one sentinel until the proxy stops.
func (p *Proxy) watchSentinel(addr string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // ends with this watch
		select {
		case <-p.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		err := p.hear(ctx, addr)
		if ctx.Err() != nil {
			return
		}
		if p.setTrouble(addr, err.Error()) {
			p.log.Warn("sentinel cannot be heard", "sentinel", addr, "err", err)
		}
		select {
		case <-time.After(sentinelRetry):
		case <-ctx.Done():
		}
	}
}

// hear connects to a sentinel and offers every topology it tells of.
func (p *Proxy) hear(ctx context.Context, addr string) error {
	dialCtx, cancel := context.WithTimeout(ctx, sentinelSilence)
	defer cancel()
	c, err := dial.Dial(dialCtx, addr, dial.Options{
		User: p.cfg.SentinelUser, Password: p.cfg.SentinelPass, Timeout: sentinelSilence, TLS: p.outward,
	})
	if err != nil {
		return err
	}
	defer c.Close()
	c.Send("HOLDFAST", "WATCH", p.cfg.Group)
	for {
		v, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		t, err := topology.Unmarshal([]byte(v.Text))
		if err != nil {
			return err
		}
		if p.setTrouble(addr, "") {
			p.log.Info("sentinel is heard", "sentinel", addr)
		}
		if p.watch.Offer(t) {
			p.log.Info("topology", "epoch", t.Epoch, "version", t.Version, "phase", t.Phase, "master", t.Master.Addr, "reason", t.Reason)
		}
	}
}

// sayUnreachable logs, once, that there is no way to a node just now.
func (p *Proxy) sayUnreachable(addr string, err error) {
	if p.setTrouble(addr, err.Error()) {
		p.log.Warn("node cannot be reached", "node", addr, "err", err)
	}
}

func (p *Proxy) sayReached(addr string) {
	if p.setTrouble(addr, "") {
		p.log.Info("node is reached", "node", addr)
	}
}

// sayLogin logs, once, that a node refuses the proxy's own user.
func (p *Proxy) sayLogin(addr, why string) {
	if p.setTrouble("login at "+addr, why) && why != "" {
		p.log.Warn("node refuses the proxy's own user: see auth-user and auth-pass", "node", addr, "err", why)
	}
}

// setTrouble notes why a sentinel or a node cannot be reached, "" when it can, and
// says whether that is news.
func (p *Proxy) setTrouble(addr, why string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, known := p.trouble[addr]
	p.trouble[addr] = why
	return !known || (old == "") != (why == "")
}

// watchTrouble lists what keeps the sentinels from being heard, for the text of
// an error.
func (p *Proxy) watchTrouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for addr, why := range p.trouble {
		if why != "" {
			all = append(all, fmt.Sprintf("%s: %s", addr, why))
		}
	}
	if len(all) == 0 {
		return ""
	}
	sort.Strings(all)
	return " (" + strings.Join(all, "; ") + ")"
}
