package load

import (
	"bufio"
	"net"
	"strconv"
	"sync"
	"testing"

	"holdfast/backend/resp"
)

// server is a small store for the tests. before is called, under the lock, for
// every command; a reply it returns is sent instead of running the command, and
// it may change the store itself to break a promise.
type server struct {
	mu       sync.Mutex
	strings  map[string]string
	lists    map[string][]string
	commands int
	before   func(s *server, args []string) []byte
}

func startServer(t *testing.T, before func(*server, []string) []byte) (*server, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{strings: map[string]string{}, lists: map[string][]string{}, before: before}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		conns.Wait()
	})
	return s, ln.Addr().String()
}

// serve ends when the client closes, or at a nil reply.
func (s *server) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		args, err := readCommand(in)
		if err != nil {
			return
		}
		reply := s.execute(args)
		if reply == nil {
			return
		}
		if _, err := c.Write(reply); err != nil {
			return
		}
	}
}

var hangUp = []byte("hang up")

func (s *server) execute(args []string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commands++
	if s.before != nil {
		if reply := s.before(s, args); reply != nil {
			if string(reply) == string(hangUp) {
				return nil
			}
			return reply
		}
	}
	return s.apply(args)
}

func (s *server) apply(args []string) []byte {
	switch args[0] {
	case "SET":
		s.strings[args[1]] = args[2]
		return resp.AppendSimple(nil, "OK")
	case "GET":
		v, ok := s.strings[args[1]]
		if !ok {
			return resp.AppendNull(nil, 2)
		}
		return resp.AppendBulkString(nil, v)
	case "INCR":
		n, _ := strconv.ParseInt(s.strings[args[1]], 10, 64)
		s.strings[args[1]] = strconv.FormatInt(n+1, 10)
		return resp.AppendInt(nil, n+1)
	case "RPUSH":
		s.lists[args[1]] = append(s.lists[args[1]], args[2])
		return resp.AppendInt(nil, int64(len(s.lists[args[1]])))
	case "LRANGE":
		from, _ := strconv.Atoi(args[2])
		to, _ := strconv.Atoi(args[3])
		list := s.lists[args[1]]
		list = list[min(from, len(list)):min(to+1, len(list))]
		out := resp.AppendArray(nil, len(list))
		for _, e := range list {
			out = resp.AppendBulkString(out, e)
		}
		return out
	case "DEL":
		for _, k := range args[1:] {
			delete(s.strings, k)
			delete(s.lists, k)
		}
		return resp.AppendInt(nil, 1)
	}
	return resp.AppendError(nil, "ERR unknown command")
}

func readCommand(in *bufio.Reader) ([]string, error) {
	readLine := func() (int, error) {
		line, err := in.ReadString('\n')
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(line[1 : len(line)-2])
	}
	n, err := readLine()
	if err != nil {
		return nil, err
	}
	args := make([]string, n)
	for i := range args {
		size, err := readLine()
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		for got := 0; got < len(b); {
			m, err := in.Read(b[got:])
			if err != nil {
				return nil, err
			}
			got += m
		}
		args[i] = string(b[:size])
	}
	return args, nil
}
