package netio

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// secret is TLS between a Conn and its socket, without input or output of its
// own: bytes that came are fed to open, and seal makes the bytes to send. It
// holds a tls.Conn whose own connection is the wire below.
type secret struct {
	*tls.Conn
	wire *wire
}

// wire is what a tls.Conn takes for its connection. While hands are shaken, and
// again once the connection was detached, it is the real one and may block;
// between the two it is a pair of buffers, and reading from an empty one is a
// passing error, after which crypto/tls goes on.
type wire struct {
	net.Conn        // nil while the loop has the connection
	in, out  []byte // ciphertext that came, and that is to be sent
}

// errEmpty says that nothing more has come yet.
type errEmpty struct{}

func (errEmpty) Error() string   { return "no bytes yet" }
func (errEmpty) Timeout() bool   { return true }
func (errEmpty) Temporary() bool { return true }

func (w *wire) Read(p []byte) (int, error) {
	if len(w.in) > 0 {
		n := copy(p, w.in)
		w.in = w.in[n:]
		return n, nil
	}
	if w.Conn != nil {
		return w.Conn.Read(p)
	}
	return 0, errEmpty{}
}

func (w *wire) Write(p []byte) (int, error) {
	if w.Conn != nil {
		return w.Conn.Write(p)
	}
	w.out = append(w.out, p...)
	return len(p), nil
}

func (w *wire) Close() error {
	if w.Conn != nil {
		return w.Conn.Close()
	}
	return nil
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	if w.Conn != nil {
		return w.Conn.SetWriteDeadline(t)
	}
	return nil // tls.Conn sets one around its goodbye
}

// shake does the handshake over conn, within ctx, and lets go of conn.
func shake(ctx context.Context, conn net.Conn, side func(net.Conn) *tls.Conn) (*secret, error) {
	w := &wire{Conn: conn}
	s := &secret{side(w), w}
	if err := s.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	w.Conn = nil
	return s, nil
}

// plain holds buffers for decrypted bytes, which are needed for one turn only.
var plain = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// open decrypts what came and appends it to out. The rest of a record that is
// not whole yet is kept. An error is the connection's end.
func (s *secret) open(out, in []byte) ([]byte, error) {
	s.wire.in = in
	for {
		if cap(out)-len(out) < 16<<10 {
			out = append(make([]byte, 0, 2*cap(out)+16<<10), out...)
		}
		n, err := s.Conn.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		if errors.As(err, new(errEmpty)) {
			s.wire.in = nil
			return out, nil
		}
		if err != nil {
			s.wire.in = nil
			return out, err
		}
	}
}

// seal encrypts p behind what is to be sent already, and takes all of that.
func (s *secret) seal(p []byte) ([]byte, error) {
	if len(p) > 0 {
		if _, err := s.Conn.Write(p); err != nil {
			return nil, err
		}
	}
	return s.taken(), nil
}

// taken is what crypto/tls wants to send: sealed bytes, and its own messages.
// The slice is good until the next use of s.
func (s *secret) taken() []byte {
	out := s.wire.out
	s.wire.out = s.wire.out[:0]
	if cap(out) > keepBuffer {
		s.wire.out = nil
	}
	return out
}

// over gives the TLS connection to a goroutine: from now on it reads and writes
// conn, behind the ciphertext that has come already.
func (s *secret) over(conn net.Conn) net.Conn {
	s.wire.Conn = conn
	return s.Conn
}
