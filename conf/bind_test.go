package conf

import "testing"

func TestBindAddrs(t *testing.T) {
	c := Default[NodeConfig]()
	equal(t, "default", c.BindAddrs(), []BindAddr{{"127.0.0.1", false}, {"::1", true}})
	c.Bind = []string{"*", "-::*", "10.0.0.1"}
	equal(t, "wildcards", c.BindAddrs(), []BindAddr{{"0.0.0.0", false}, {"::", true}, {"10.0.0.1", false}})
	equal(t, "join", c.BindAddrs()[1].Join(6379), "[::]:6379")
}
