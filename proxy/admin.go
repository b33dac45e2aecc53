package proxy

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"holdfast/backend/netio"
	"holdfast/election/topology"
)

// startAdmin serves /metrics, /healthz and the status page until Close.
func (p *Proxy) startAdmin() error {
	if p.cfg.Admin == "" {
		return nil
	}
	ln, err := net.Listen("tcp", p.cfg.Admin)
	if err != nil {
		return fmt.Errorf("cannot serve the admin address: %w", netio.Advised(err))
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(p, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/healthz", p.serveHealth)
	mux.HandleFunc("/{$}", p.serveStatus)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: adminTimeout, ReadTimeout: adminTimeout, WriteTimeout: adminTimeout, IdleTimeout: time.Minute}
	p.spawn(func() {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("admin server ended", "err", err)
		}
	})
	p.spawn(func() {
		<-p.stop
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
	})
	return nil
}

const adminTimeout = 10 * time.Second

// health says why requests cannot be served just now, nil when they can.
func (p *Proxy) health() error {
	switch t := p.watch.Current(); {
	case t == nil:
		return errors.New("no sentinel has named a master yet" + p.watchTrouble())
	case !t.Serves() && t.Reason != "":
		return errors.New(t.Reason)
	case !t.Serves():
		return fmt.Errorf("no master serves: group %s is in phase %s", t.Group, t.Phase)
	}
	return nil
}

// serveHealth answers 200 while the group has a master that serves, else 503
// with the reason.
func (p *Proxy) serveHealth(w http.ResponseWriter, _ *http.Request) {
	if err := p.health(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// serveStatus is the page for people.
func (p *Proxy) serveStatus(w http.ResponseWriter, _ *http.Request) {
	view := struct {
		Topology *topology.Topology
		Health   error
		Stats    stats
		Clients  int64
		Held     int64
		Uptime   time.Duration
	}{p.watch.Current(), p.health(), p.gather(), p.clients.Load(), p.budget.commands.Load(), time.Since(p.started).Round(time.Second)}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := statusPage.Execute(w, view); err != nil {
		p.log.Debug("status page", "err", err)
	}
}

var statusPage = template.Must(template.New("status").Funcs(template.FuncMap{
	"counts": func(s stats) map[string]uint64 {
		return map[string]uint64{
			"requests to the master": s.toMaster, "requests to replicas": s.toReplica, "answered here": s.local,
			"-UNKNOWN": s.unknown, "-UNAVAILABLE": s.unavailable, "refusals of nodes": s.refusals,
		}
	},
}).Parse(`<!doctype html>
<title>holdfast proxy</title>
<style>body{font:15px sans-serif;margin:2em}td,th{padding:.2em 1em .2em 0;text-align:left}</style>
<h1>holdfast proxy</h1>
<p>{{if .Health}}<b>not serving:</b> {{.Health}}{{else}}serving{{end}} · up {{.Uptime}} · {{.Clients}} clients · {{.Held}} requests held</p>
{{with .Topology}}<table>
<tr><th>group</th><td>{{.Group}}</td><th>epoch</th><td>{{.Epoch}}</td><th>phase</th><td>{{.Phase}}</td></tr>
<tr><th>master</th><td>{{.Master.Addr}}</td></tr>
{{range .Replicas}}<tr><th>replica</th><td>{{.Addr}}</td><td>{{if .Up}}up{{else}}down{{end}}</td></tr>{{end}}
</table>{{end}}
<table>{{range $name, $n := counts .Stats}}<tr><th>{{$name}}</th><td>{{$n}}</td></tr>{{end}}</table>
<p><a href="/metrics">metrics</a> · <a href="/healthz">healthz</a></p>
`))
