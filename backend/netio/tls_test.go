package netio

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"holdfast/backend/netio/freeport"
	"holdfast/conf"
)

// certificates makes an authority and a certificate that it signed, as files.
func certificates(t *testing.T) conf.TLS {
	t.Helper()
	dir := t.TempDir()
	file := func(name, kind string, der []byte) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	make := func(name string, issuer *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
			NotAfter: time.Now().Add(time.Hour), IsCA: issuer == nil, BasicConstraintsValid: true}
		if issuer == nil {
			issuer, by = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, issuer, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		c, err = x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c, key
	}
	ca, caKey := make("authority", nil, nil)
	leaf, key := make("server", ca, caKey)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return conf.TLS{AuthClients: "yes", SessionCaching: true, CACertFile: file("ca.crt", "CERTIFICATE", ca.Raw),
		CertFile: file("server.crt", "CERTIFICATE", leaf.Raw), KeyFile: file("server.key", "EC PRIVATE KEY", der)}
}

// serveTLS is serve at a tls address; dialling it shakes hands.
func serveTLS(t *testing.T, files conf.TLS, accept func(*Conn) Session) (addr string, client *tls.Config) {
	t.Helper()
	server, err := ServerTLS(&files)
	if err != nil {
		t.Fatal(err)
	}
	if client, err = ClientTLS(&files); err != nil {
		t.Fatal(err)
	}
	addr = freeport.Addr(t)
	start(t, Options{Addrs: []string{"tls://" + addr}, Accept: accept, TLS: func() *tls.Config { return server }})
	return addr, client
}

func dialTLS(t *testing.T, addr string, cfg *tls.Config) *tls.Conn {
	t.Helper()
	plain, _ := dial(t, addr)
	c := tls.Client(plain, cfg)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTLSCarriesMuchBothWays(t *testing.T) {
	for _, protocol := range []string{"TLSv1.2", "TLSv1.3"} {
		files := certificates(t)
		files.Protocols = []string{protocol}
		addr, cfg := serveTLS(t, files, func(*Conn) Session { return &lines{} })
		c := dialTLS(t, addr, cfg)
		if c.ConnectionState().Version != map[string]uint16{"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}[protocol] {
			t.Error("spoke another version than", protocol)
		}
		much := 200_000
		if testing.Short() { // the race detector makes each of them slow
			much /= 10
		}
		var sent bytes.Buffer
		for i := range much {
			fmt.Fprintf(&sent, "line %d\n", i)
		}
		go c.Write(sent.Bytes())
		got := make([]byte, sent.Len())
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent.Bytes()) {
			t.Fatalf("%s: other bytes came back, %v", protocol, err)
		}
	}
}

func TestTLSConnectionIsHandedOver(t *testing.T) {
	handed := make(chan error, 1)
	addr, cfg := serveTLS(t, certificates(t), func(*Conn) Session {
		return &lines{on: map[string]func(*Conn){"detach": func(c *Conn) {
			conn, _, err := c.Detach()
			if err != nil {
				handed <- err
				return
			}
			go func() {
				defer conn.Close()
				_, err := io.CopyN(conn, conn, 1<<20)
				handed <- err
			}()
		}}}
	})
	c := dialTLS(t, addr, cfg)
	fmt.Fprint(c, "one\ndetach\n")
	expectText(t, c, "one\n")
	big := strings.Repeat("x", 1<<20)
	go io.WriteString(c, big)
	expectText(t, c, big)
	if err := <-handed; err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("the connection is still open")
	}
}

func TestTLSRefusesStrangers(t *testing.T) {
	addr, cfg := serveTLS(t, certificates(t), func(*Conn) Session { return &lines{} })
	plain, _ := dial(t, addr)
	fmt.Fprint(plain, "PING\r\nPING\r\n")
	if _, err := io.ReadAll(plain); err != nil {
		t.Error("a client without TLS is not closed:", err)
	}
	stranger := cfg.Clone()
	stranger.Certificates = nil
	raw, _ := dial(t, addr)
	c := tls.Client(raw, stranger)
	_, _ = c.Write([]byte("PING\n"))
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a client without a certificate was answered", n)
	}
	other := certificates(t)
	elsewhere, err := ClientTLS(&other)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ = dial(t, addr)
	if err := tls.Client(raw, elsewhere).Handshake(); err == nil {
		t.Error("a server of another authority was believed")
	}
}

// Over TLS a client that sends no more is waited for as over TCP, and so is one that
// was paused when it said so.
func TestTLSPeerThatClosedItsSideIsWaitedFor(t *testing.T) {
	for _, pauses := range []bool{false, true} {
		s := &owing{stays: true, ended: make(chan *Conn, 1)}
		s.closed = make(chan error, 1)
		if pauses {
			s.on = map[string]func(*Conn){"before": func(c *Conn) {
				c.Pause()
				c.Write([]byte("before\n"))
				c.Loop().After(50*time.Millisecond, c.Resume)
			}}
		}
		addr, cfg := serveTLS(t, certificates(t), func(*Conn) Session { return s })
		raw, _ := dial(t, addr)
		packet := &inOne{Conn: raw}
		c := tls.Client(packet, cfg)
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		packet.holds = true
		isWaitedFor(t, s, &goodbye{c, packet})
	}
}

// inOne sends what is written to it all at once, so that one read brings it.
type inOne struct {
	net.Conn
	holds bool
	held  []byte
}

func (c *inOne) Write(p []byte) (int, error) {
	if !c.holds {
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	return len(p), nil
}

// SetWriteDeadline keeps crypto/tls from ending the writing behind its goodbye.
func (c *inOne) SetWriteDeadline(time.Time) error { return nil }

// goodbye is a client whose last request and the end of whose side come together.
type goodbye struct {
	*tls.Conn
	packet *inOne
}

func (c *goodbye) CloseWrite() error {
	if err := c.Conn.CloseWrite(); err != nil {
		return err
	}
	_, err := c.packet.Conn.Write(c.packet.held)
	return err
}

// Who begins handshakes and says nothing keeps nobody out for long.
func TestSilentHandshakesGiveWay(t *testing.T) {
	addr, cfg := serveTLS(t, certificates(t), func(*Conn) Session { return &lines{} })
	for range handshakes {
		dial(t, addr)
	}
	began := time.Now()
	c := dialTLS(t, addr, cfg)
	fmt.Fprint(c, "here\n")
	expectText(t, c, "here")
	if took := time.Since(began); took > handshakeTime*4/5 { // that of those behind which it would else wait
		t.Errorf("a client waited for %v", took)
	}
}

func TestListenMovesAndKeepsConnections(t *testing.T) {
	first, second, taken := freeport.Addr(t), freeport.Addr(t), freeport.Addr(t)
	s := start(t, Options{Addrs: []string{"tcp://" + first}, Accept: func(*Conn) Session { return &lines{} }})
	old, r := dial(t, first)
	fmt.Fprint(old, "here\n")
	expect(t, r, "here") // until it is accepted, the kernel would reset it with the port
	ln, err := net.Listen("tcp", taken)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := s.Listen([]string{"tcp://" + second, "tcp://" + taken}); err == nil {
		t.Fatal("listens where somebody else does")
	}
	if c, err := net.Dial("tcp", second); err == nil {
		c.Close()
		t.Error("an address of a change that failed is open")
	}
	dial(t, first)
	if err := s.Listen([]string{"tcp://" + second}); err != nil {
		t.Fatal(err)
	}
	dial(t, second)
	if c, err := net.Dial("tcp", first); err == nil {
		c.Close()
		t.Error("the old address is still open")
	}
	fmt.Fprint(old, "still here\n")
	expect(t, r, "still here")
}

// An address and every address of the same port stand in each other's way: the old
// one is closed before, and is there again when the new one cannot be opened.
func TestListenMovesWithinAPort(t *testing.T) {
	one, taken := freeport.Addr(t), freeport.Addr(t)
	_, port, _ := net.SplitHostPort(one)
	every := "tcp://0.0.0.0:" + port
	s := start(t, Options{Addrs: []string{every}, Accept: func(*Conn) Session { return &lines{} }})
	ln, err := net.Listen("tcp", taken)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := s.Listen([]string{"tcp://" + one, "tcp://" + taken}); err == nil {
		t.Fatal("listens where somebody else does")
	}
	for _, addrs := range [][]string{{every}, {"tcp://" + one}, {every}} {
		if err := s.Listen(addrs); err != nil {
			t.Fatal(err)
		}
		c, r := dial(t, one)
		fmt.Fprint(c, "here\n")
		expect(t, r, "here")
	}
}

func expectText(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("got %.40q, %v; want %.40q", got, err, want)
	}
}

// start runs a server until the test ends.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	s := NewServer(o)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := s.Wait(); err != nil {
			t.Error(err)
		}
	})
	return s
}
