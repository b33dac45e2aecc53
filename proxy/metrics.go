package proxy

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// stats are what a loop counts. Only the loop writes them; a reader has the
// loop make a copy.
type stats struct {
	connections    uint64
	local          uint64 // requests answered by the proxy
	toMaster       uint64
	toReplica      uint64
	readsOfMaster  uint64 // of toMaster, those that a replica might have answered
	unknown        uint64 // -UNKNOWN replies
	resolved       uint64 // requests in flight on a lost link whose reply the next node had
	unavailable    uint64 // -UNAVAILABLE replies
	noAcks         uint64 // writes that a node could not get confirmed in time
	unconfirmed    uint64 // reads that it could not, which were sent again
	protocolErrors uint64
	refusals       uint64 // routing refusals of nodes
	links          int    // open connections to nodes; filled in the copy
}

// count notes where a request went.
func (c *client) count(ln *lane, k class) {
	s := &c.l.stats
	switch {
	case ln.node != nil:
		s.toReplica++
	case k == classRead:
		s.toMaster++
		s.readsOfMaster++
	default:
		s.toMaster++
	}
}

func (s *stats) add(t stats) {
	s.connections += t.connections
	s.local += t.local
	s.toMaster += t.toMaster
	s.toReplica += t.toReplica
	s.readsOfMaster += t.readsOfMaster
	s.unknown += t.unknown
	s.resolved += t.resolved
	s.unavailable += t.unavailable
	s.noAcks += t.noAcks
	s.unconfirmed += t.unconfirmed
	s.protocolErrors += t.protocolErrors
	s.refusals += t.refusals
	s.links += t.links
}

// copyStats is the loop's stats as of now.
func (l *loop) copyStats() stats {
	s := l.stats
	for _, set := range l.sets {
		for _, lanes := range [][]*lane{{set.master}, set.replicas, set.private} {
			for _, ln := range lanes {
				if ln.link != nil && ln.link.open {
					s.links++
				}
			}
		}
	}
	return s
}

// statsTimeout bounds the wait for a loop that is busy.
const statsTimeout = time.Second

// gather sums the stats of all loops.
func (p *Proxy) gather() stats {
	loops := p.allLoops()
	parts := make(chan stats, len(loops))
	for _, l := range loops {
		l.io.Post(func() { parts <- l.copyStats() })
	}
	deadline := time.After(statsTimeout)
	var sum stats
	for range loops {
		select {
		case s := <-parts:
			sum.add(s)
		case <-deadline:
			return sum
		}
	}
	return sum
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("holdfast_proxy_"+name, help, labels, nil)
}

var (
	requestsDesc    = desc("requests_total", "Requests by where they went: master, replica, or answered by the proxy.", "target")
	readsDesc       = desc("reads_total", "Reads that a replica may answer, by the role of the node that did.", "role")
	connectionsDesc = desc("connections_total", "Client connections accepted.")
	clientsDesc     = desc("clients", "Client connections open.")
	linksDesc       = desc("links", "Connections to nodes open.")
	heldDesc        = desc("held_requests", "Requests that wait for a master.")
	heldBytesDesc   = desc("held_bytes", "Bytes of the requests that wait for a master.")
	unknownDesc     = desc("unknown_total", "Requests answered -UNKNOWN: in flight when their connection broke, and nobody could tell what became of them.")
	resolvedDesc    = desc("resolved_total", "Writes in flight when their connection broke that were answered all the same: they had taken effect.")
	unavailableDesc = desc("unavailable_total", "Requests answered -UNAVAILABLE: held for hold-timeout, certainly not applied.")
	noAcksDesc      = desc("noacks_total", "Writes answered -NOACKS: executed, not confirmed within write-acks-timeout.")
	unconfirmedDesc = desc("unconfirmed_reads_total", "Reads sent again because what they showed was not confirmed within write-acks-timeout.")
	refusalsDesc    = desc("refusals_total", "Refusals of nodes that do not serve just now.")
	protocolDesc    = desc("protocol_errors_total", "Clients closed for what they sent.")
	epochDesc       = desc("topology_epoch", "Epoch of the topology in use.")
	masterDesc      = desc("master", "1 for the node that the topology names as master; serving tells whether it takes requests.", "addr", "serving")
	replicasDesc    = desc("replicas", "Replicas in the topology that are up.")
)

// Describe is prometheus's.
func (p *Proxy) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(p, ch) }

// Collect is prometheus's.
func (p *Proxy) Collect(ch chan<- prometheus.Metric) {
	s := p.gather()
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter(requestsDesc, s.toMaster, "master")
	counter(requestsDesc, s.toReplica, "replica")
	counter(requestsDesc, s.local, "proxy")
	counter(readsDesc, s.toReplica, "replica")
	counter(readsDesc, s.readsOfMaster, "master")
	counter(connectionsDesc, s.connections)
	counter(unknownDesc, s.unknown)
	counter(resolvedDesc, s.resolved)
	counter(unavailableDesc, s.unavailable)
	counter(noAcksDesc, s.noAcks)
	counter(unconfirmedDesc, s.unconfirmed)
	counter(refusalsDesc, s.refusals)
	counter(protocolDesc, s.protocolErrors)
	gauge(clientsDesc, float64(p.clients.Load()))
	gauge(linksDesc, float64(s.links))
	gauge(heldDesc, float64(p.budget.commands.Load()))
	gauge(heldBytesDesc, float64(p.budget.bytes.Load()))
	p.collectTopology(gauge)
}

func (p *Proxy) collectTopology(gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	t := p.watch.Current()
	if t == nil {
		return
	}
	up := 0
	for _, r := range t.Replicas {
		if r.Up {
			up++
		}
	}
	serving := "no"
	if t.Serves() {
		serving = "yes"
	}
	gauge(epochDesc, float64(t.Epoch))
	gauge(replicasDesc, float64(up))
	gauge(masterDesc, 1, t.Master.Addr, serving)
}
