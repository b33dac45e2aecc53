package script

import "testing"

type quietHost struct{ fakeHost }

func (*quietHost) Call([][]byte, int) []byte { return []byte("$1\r\n1\r\n") }

func BenchmarkEval(b *testing.B) {
	for name, source := range map[string]string{
		"constant": "return 1",
		"get":      "return redis.call('get', KEYS[1])",
		"loop":     "local s = 0 for i = 1, 1000 do s = s + i end return s",
	} {
		b.Run(name, func(b *testing.B) {
			e := New("7.2.6")
			req := request(2, "eval", source, "1", "key")
			h := new(quietHost)
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				out = e.Eval(h, req, out[:0])
			}
		})
	}
}
