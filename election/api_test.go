package election

import (
	"bufio"
	"context"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"holdfast/backend/client"
	"holdfast/backend/resp"
	"holdfast/conf"
	"holdfast/election/topology"
)

// quiet is for tests that want no failover: a machine that is busy for a moment
// must not cause one.
func quiet(c *cluster) {
	c.adjust = func(cfg *conf.SentinelConfig) { cfg.Monitors[0].DownAfter = time.Minute }
}

// One cluster serves all cases: none of them changes the group.
func TestAPI(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, quiet)
	top := c.whole(2)
	masterHost, masterPort := splitHostPort(top.Master.Addr)
	eventually(t, "every sentinel to know the others", func() bool {
		for _, s := range c.sentinels {
			if len(s.machine.state.Load().Sentinels) != 3 {
				return false
			}
		}
		return true
	})
	eventually(t, "every sentinel to be connected to the master", func() bool {
		for _, id := range ids {
			if v, err := c.do(id, "SENTINEL", "MASTER", "mymaster"); err != nil || v.Pairs()["flags"].Text != "master" {
				return false
			}
		}
		return true
	})
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			for request, want := range map[string]string{
				"PING":           "^PONG$",
				"ECHO hi":        "^hi$",
				"ROLE":           "^sentinel mymaster$",
				"NOSUCH a b":     "^ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' $",
				"PING a b":       "^ERR wrong number of arguments for 'ping' command$",
				"AUTH x":         "^ERR AUTH <password> called without any password configured for the default user",
				"CLIENT ID":      `^\d+$`,
				"CLIENT SETNAME": "^ERR wrong number of arguments for 'client|setname' command$",
				"CLIENT NOSUCH":  "^ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.$",
				"CLIENT GETNAME": "^nil$",
				"CLIENT LIST":    `(?s)^id=\d+ addr=127.0.0.1:\d+ laddr=127.0.0.1:\d+ name=.*\n$`,
				"CLIENT HELP":    "TRACKING$",

				"CLIENT TRACKING ON OPTIN":     "^OK$", // what rueidis asks of every connection
				"CLIENT TRACKING maybe":        "^ERR syntax error$",
				"CLIENT GETREDIR":              "^-1$",
				"CLIENT KILL 127.0.0.1:1":      "^ERR No such client$",
				"CLIENT KILL ID 9999999":       "^0$",
				"CLIENT KILL ID 1 SKIPME some": "^ERR syntax error$",
				"COMMAND COUNT":                `^\d+$`,
				"SHUTDOWN please":              "^ERR syntax error$",
				"HELLO 4":                      "^NOPROTO unsupported protocol version$",
				"HELLO":                        "^server redis version 7.2.6 proto 2 id .* mode sentinel role sentinel modules",
				"COMMAND":                      "^$",

				"SENTINEL GET-MASTER-ADDR-BY-NAME mymaster": "^" + masterHost + " " + masterPort + "$",
				"SENTINEL get-master-addr-by-name nosuch":   "^nil$",
				"SENTINEL GET-MASTER-ADDR-BY-NAME":          "^ERR wrong number of arguments for 'sentinel|get-master-addr-by-name' command$",
				"SENTINEL MASTER nosuch":                    "^ERR No such master with that name$",
				"SENTINEL MASTER mymaster":                  "name mymaster ip " + masterHost + " port " + masterPort + " runid [0-9a-f]{40} flags master .* num-slaves 2 num-other-sentinels 2 quorum 2 failover-timeout \\d+ parallel-syncs 1 write-acks 1 write-acks-policy degrade lease-milliseconds \\d+ fast-down no promotion safe$",
				"SENTINEL MYID":                             "^" + c.sentinels[id].runID + "$",
				"SENTINEL CKQUORUM mymaster":                "^OK 3 usable Sentinels. Quorum and failover authorization can be reached$",
				"SENTINEL IS-MASTER-DOWN-BY-ADDR " + masterHost + " " + masterPort + " 0 *": `^0 \* 0$`,
				"SENTINEL IS-MASTER-DOWN-BY-ADDR " + masterHost + " " + masterPort + " 0":   "^ERR wrong number of arguments",
				"SENTINEL IS-MASTER-DOWN-BY-ADDR " + masterHost + " noport 0 *":             "^ERR value is not an integer or out of range$",
				"SENTINEL SET mymaster quorum":                                              "^ERR wrong number of arguments for 'sentinel|set' command$",
				"SENTINEL SET nosuch quorum 2":                                              "^ERR No such master with that name$",
				"SENTINEL SET mymaster Quorum 0":                                            "^ERR Invalid argument '0' for SENTINEL SET 'Quorum'$",
				"SENTINEL SET mymaster quorum 3 parallel-syncs x":                           "^ERR Invalid argument 'x' for SENTINEL SET 'parallel-syncs'$",
				"SENTINEL SET mymaster quorum 3 nosuch x":                                   "^ERR Unknown option or number of arguments for SENTINEL SET 'nosuch'$",
				"SENTINEL SET mymaster quorum 3 auth-user":                                  "^ERR Unknown option or number of arguments for SENTINEL SET 'auth-user'$",
				"SENTINEL SET mymaster notification-script /x":                              "^ERR Reconfiguration of scripts path is denied: no scripts are run",
				"SENTINEL SET mymaster rename-command a b":                                  "^ERR SENTINEL SET 'rename-command' is denied: sentinels change nodes by HOLDFAST commands only$",
				"SENTINEL SET mymaster lease-milliseconds 150":                              "^ERR lease-milliseconds must be at least 3 x raft.timeout, ",
				"HOLDFAST LEAD SET mymaster quorum x":                                       "^(ERR Invalid argument 'x' for SENTINEL SET 'quorum'|NOTLEADER .*)$",
				"SENTINEL NOSUCH":                                                           "^ERR unknown subcommand 'NOSUCH'. Try SENTINEL HELP.$",
				"SENTINEL FLUSHCONFIG":                                                      "^OK$",
				"SENTINEL INFO-CACHE":                                                       "^ERR wrong number of arguments for 'sentinel|info-cache' command$",
				"SENTINEL INFO-CACHE nosuch":                                                "^$",
				"SENTINEL HELP a":                                                           "^ERR wrong number of arguments for 'sentinel|help' command$",
				"SENTINEL SIMULATE-FAILURE":                                                 "^ERR wrong number of arguments for 'sentinel|simulate-failure' command$",
				"SENTINEL SIMULATE-FAILURE HELP":                                            "^crash-after-election crash-after-promotion$",
				"SENTINEL SIMULATE-FAILURE x":                                               "^ERR Unknown failure simulation specified$",
				"SENTINEL DEBUG":                                                            "^INFO-PERIOD 10000 PING-PERIOD 500 ASK-PERIOD 250 DEFAULT-DOWN-AFTER 3000 DEFAULT-FAILOVER-TIMEOUT 10000 TILT-TRIGGER 2000 TILT-PERIOD 5000 ELECTION-TIMEOUT \\d+$",
				"SENTINEL DEBUG info-period":                                                "^ERR Unknown option or number of arguments for SENTINEL DEBUG 'info-period'$",
				"SENTINEL DEBUG nosuch 1":                                                   "^ERR Unknown option or number of arguments for SENTINEL DEBUG 'nosuch'$",
				"SENTINEL DEBUG INFO-period 0":                                              "^ERR Invalid argument '0' for SENTINEL DEBUG 'INFO-period'$",
				"SENTINEL DEBUG info-period 1":                                              "^ERR SENTINEL DEBUG changes nothing here: ",
				"SENTINEL PENDING-SCRIPTS":                                                  "^$",
				"SENTINEL FAILOVER mymaster SOON":                                           "^ERR syntax error$",
				"SENTINEL RESET nosuch*":                                                    "^0$",
				"SENTINEL HELP":                                                             "SENTINEL FAILOVER|FAILOVER <master-name>",
				"INFO sentinel":                                                             `master0:name=mymaster,status=ok,address=` + top.Master.Addr + `,slaves=2,sentinels=3`,
				"INFO server":                                                               `^# Server\r\nredis_version:7.2.6\r\nholdfast_version:[0-9.]+\r\n[^#]*redis_mode:sentinel\r\nos:Linux [^#]*run_id:[0-9a-f]{40}\r\ntcp_port:\d+\r\n[^#]*config_file:\r\n[^#]*listener0:name=tcp,bind=127.0.0.1,port=\d+\r\n$`,
				"INFO":                                                                      `(?s)^# Server\r\n.*\r\n\r\n# Clients\r\nconnected_clients:[1-9].*\r\n\r\n# Stats\r\n.*\r\n\r\n# CPU\r\nused_cpu_sys:\d+\.\d{6}\r\n.*\r\n\r\n# Sentinel\r\nsentinel_masters:1\r\n`,
				"INFO CPU nosuch clients":                                                   `^# Clients\r\n[^#]*\r\n\r\n# CPU\r\n[^#]*$`,
				"INFO nosuch":                                                               "^$",
				"INFO stats":                                                                `^# Stats\r\ntotal_connections_received:[1-9]\d*\r\ntotal_commands_processed:[1-9]\d*\r\ntotal_net_input_bytes:[1-9]\d*\r\ntotal_net_output_bytes:[1-9]\d*\r\nrejected_connections:0\r\npubsub_channels:0\r\npubsub_patterns:0\r\n`,
				"HOLDFAST HELLO 1":                                                          "^version 1 part sentinel id " + id + "$",
				"HOLDFAST HELLO 2":                                                          "^ERR this sentinel speaks version 1",
				"HOLDFAST WATCH nosuch":                                                     "^ERR No such master with that name$",
				"HOLDFAST REPORT {":                                                         "^ERR cannot read the report$",
				"HOLDFAST VERDICT mymaster " + top.Master.RunID:                             "^0$",
			} {
				v, err := c.do(id, strings.Fields(request)...)
				got := show(v)
				if v.Kind == 0 && err != nil {
					got = err.Error()
				}
				if !regexp.MustCompile(want).MatchString(got) {
					t.Errorf("%s\n got %s\nwant %s", request, got, want)
				}
			}
			for _, name := range []string{"REPLICAS", "SLAVES", "SENTINELS", "INFO-CACHE", "MASTERS"} {
				args := []string{"SENTINEL", name, "mymaster"}
				if name == "MASTERS" {
					args = args[:2]
				}
				v, err := c.do(id, args...)
				if want := map[string]int{"MASTERS": 1}[name]; err != nil || len(v.Elems) != max(want, 2*(1-want)) {
					t.Errorf("SENTINEL %s: %d elements, %v", name, len(v.Elems), err)
				}
			}
		})
	}
	t.Run("redis-cli", func(t *testing.T) { redisCLI(t, c, top) })
	t.Run("go-redis", func(t *testing.T) { goRedis(t, c, top) })
	t.Run("python", func(t *testing.T) { python(t, c, top) })
	t.Run("clients of clients", func(t *testing.T) { killClient(t, c) })
	t.Run("half-open and broken clients", func(t *testing.T) { brokenClients(t, c) })
}

// show prints a reply as words.
func show(v resp.Value) string {
	switch {
	case v.Null:
		return "nil"
	case v.Kind == ':':
		return v.Text
	case v.Elems == nil:
		return v.Text
	}
	words := make([]string, len(v.Elems))
	for i, e := range v.Elems {
		words[i] = show(e)
	}
	return strings.Join(words, " ")
}

// CLIENT LIST shows the others, and CLIENT KILL closes one of them.
func killClient(t *testing.T, c *cluster) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second*patience)
	defer cancel()
	victim, err := client.Dial(ctx, c.sentinels["s1"].Addr(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	if _, err := victim.Do(ctx, "CLIENT", "SETNAME", "the victim"); err == nil || !strings.Contains(err.Error(), "cannot contain spaces") {
		t.Errorf("a name with a blank: %v", err)
	}
	if _, err := victim.Do(ctx, "CLIENT", "SETNAME", "victim"); err != nil {
		t.Fatal(err)
	}
	list, err := c.do("s1", "CLIENT", "LIST")
	if err != nil || strings.Count(list.Text, " name=victim ") != 1 {
		t.Errorf("%q, %v", list.Text, err)
	}
	id, _ := victim.Do(ctx, "CLIENT", "ID")
	if v, err := c.do("s1", "CLIENT", "KILL", "ID", id.Text); err != nil || v.Int != 1 {
		t.Errorf("CLIENT KILL ID %s: %v, %v", id.Text, v.Int, err)
	}
	if _, err := victim.Do(ctx, "PING"); err == nil {
		t.Error("a client that was killed is answered")
	}
}

func redisCLI(t *testing.T, c *cluster, top *topology.Topology) {
	if _, err := exec.LookPath("redis-cli"); err != nil {
		t.Skip("redis-cli is not installed")
	}
	_, port := splitHostPort(c.sentinels["s2"].Addr())
	out, err := exec.Command("redis-cli", "-p", port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster").CombinedOutput()
	if host, p := splitHostPort(top.Master.Addr); err != nil || string(out) != host+"\n"+p+"\n" {
		t.Errorf("%q, %v", out, err)
	}
	out, err = exec.Command("redis-cli", "-3", "-p", port, "SENTINEL", "MASTER", "mymaster").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "num-other-sentinels") {
		t.Errorf("over RESP3: %q, %v", out, err)
	}
}

func goRedis(t *testing.T, c *cluster, top *topology.Topology) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second*patience)
	defer cancel()
	s := redis.NewSentinelClient(&redis.Options{Addr: c.sentinels["s1"].Addr()})
	defer s.Close()
	addr, err := s.GetMasterAddrByName(ctx, "mymaster").Result()
	if err != nil || strings.Join(addr, ":") != top.Master.Addr {
		t.Errorf("the master is %v, %v", addr, err)
	}
	replicas, err := s.Replicas(ctx, "mymaster").Result()
	if err != nil || len(replicas) != 2 || replicas[0]["flags"] != "slave" {
		t.Errorf("replicas %v, %v", replicas, err)
	}
	others, err := s.Sentinels(ctx, "mymaster").Result()
	if err != nil || len(others) != 2 || others[0]["port"] == "" {
		t.Errorf("sentinels %v, %v", others, err)
	}
}

func python(t *testing.T, c *cluster, top *topology.Topology) {
	_, port := splitHostPort(c.sentinels["s3"].Addr())
	script := `
import sys
try:
    from redis.sentinel import Sentinel
except ImportError:
    sys.exit(77)
s = Sentinel([("127.0.0.1", ` + port + `)], socket_timeout=2)
print("%s:%d" % s.discover_master("mymaster"))
print(len(s.discover_slaves("mymaster")))
`
	out, err := exec.Command(interpreter(), "-c", script).CombinedOutput()
	if e, ok := err.(*exec.ExitError); ok && e.ExitCode() == 77 {
		t.Skip("python3-redis is not installed")
	}
	if err != nil || string(out) != top.Master.Addr+"\n2\n" {
		t.Errorf("%s, %v", out, err)
	}
}

// interpreter prefers the system's, which has the packages of the distribution.
func interpreter() string {
	if _, err := exec.LookPath("/usr/bin/python3"); err == nil {
		return "/usr/bin/python3"
	}
	return "python3"
}

func brokenClients(t *testing.T, c *cluster) {
	for _, bytes := range []string{"*1\r\n$-5\r\n", "*3\r\n$4\r\nPING", "GET / HTTP/1.1\r\n\r\n", "*100000000\r\n"} {
		nc, err := net.Dial("tcp", c.sentinels["s1"].Addr())
		if err != nil {
			t.Fatal(err)
		}
		nc.Write([]byte(bytes))
		nc.Close()
	}
	if v, err := c.do("s1", "PING"); err != nil || v.Text != "PONG" {
		t.Errorf("after broken clients: %+v, %v", v, err)
	}
}

// Subscribers of any sentinel see the switch, in RESP2 and RESP3; watching
// proxies get the topology.
func TestEventsAndWatch(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	old := c.whole(2).Master.Addr
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second*patience)
	defer cancel()
	sub := redis.NewSentinelClient(&redis.Options{Addr: c.sentinels["s1"].Addr()})
	defer sub.Close()
	exact, pattern := sub.Subscribe(ctx, "+switch-master"), sub.PSubscribe(ctx, "*")
	defer exact.Close()
	defer pattern.Close()
	for _, p := range []*redis.PubSub{exact, pattern} {
		if _, err := p.Receive(ctx); err != nil { // the confirmation
			t.Fatal(err)
		}
	}
	raw, err := client.Dial(ctx, c.sentinels["s2"].Addr(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if v, err := raw.Do(ctx, "SUBSCRIBE", "+switch-master", "+odown"); err != nil || show(v) != "subscribe +switch-master 1" {
		t.Fatalf("SUBSCRIBE: %s, %v", show(v), err)
	}
	watch, err := client.Dial(ctx, c.sentinels["s3"].Addr(), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Close()
	c.nodes.nodes[old].kill()
	got := c.until("another master", func(t *topology.Topology) bool { return t.Master.Addr != old })
	want := "mymaster " + strings.ReplaceAll(old, ":", " ") + " " + strings.ReplaceAll(got.Master.Addr, ":", " ")
	if m, err := exact.ReceiveMessage(ctx); err != nil || m.Channel != "+switch-master" || m.Payload != want {
		t.Errorf("the subscriber got %+v, %v; want %q", m, err, want)
	}
	if m, err := pattern.ReceiveMessage(ctx); err != nil || m.Pattern != "*" || m.Channel == "" {
		t.Errorf("the pattern subscriber first got %+v, %v", m, err)
	}
	for _, begins := range []string{"subscribe +odown 2", "message +odown master mymaster", "message +switch-master " + want} {
		if v, err := raw.Receive(ctx); err != nil || !strings.HasPrefix(show(v), begins) {
			t.Errorf("RESP2 subscriber got %q, %v; want %q", show(v), err, begins)
		}
	}
	v, err := watch.Do(ctx, "HOLDFAST", "WATCH", "mymaster")
	for n := 0; n < 3 && err == nil; n++ { // the second and third are repetitions
		top, bad := topology.Unmarshal([]byte(v.Text))
		if bad != nil || top.Epoch < 2 || top.Master.Addr != got.Master.Addr {
			t.Fatalf("the watcher got %+v, %v", top, bad)
		}
		v, err = watch.Receive(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestPasswordsAndLimits(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3, func(c *cluster) {
		c.adjust = func(cfg *conf.SentinelConfig) { cfg.RequirePass, cfg.MaxClients = "secret", 20 }
	})
	c.whole(2) // so the sentinels log in to each other
	if _, err := c.do("s1", "SENTINEL", "MASTERS"); err == nil || err.Error() != "NOAUTH Authentication required." {
		t.Errorf("without a password: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second*patience)
	defer cancel()
	conn, err := client.Dial(ctx, c.sentinels["s1"].Addr(), client.Options{Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	eventually(t, "the sentinel to know the others", func() bool {
		v, err := conn.Do(ctx, "SENTINEL", "CKQUORUM", "mymaster")
		if conn.Broken() != nil {
			t.Fatalf("with the password: %v", err)
		}
		return err == nil && strings.HasPrefix(v.Text, "OK 3")
	})
	if _, err := client.Dial(ctx, c.sentinels["s1"].Addr(), client.Options{Password: "wrong"}); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("with a wrong password: %v", err)
	}
	refused := ""
	eventually(t, "a client too many", func() bool {
		nc, err := net.Dial("tcp", c.sentinels["s1"].Addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		nc.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		refused, _ = bufio.NewReader(nc).ReadString('\n')
		return refused != ""
	})
	if refused != "-ERR max number of clients reached\r\n" {
		t.Errorf("above maxclients: %q", refused)
	}
}
