package group

import (
	"reflect"
	"testing"
	"time"
)

func TestSet(t *testing.T) {
	s := born(t)
	s.said()
	g := s.do(&Set{Options: []Option{
		{"quorum", "3"}, {"Parallel-Syncs", "5"}, {"down-after-milliseconds", "250"}, {"failover-timeout", "9000"},
		{"write-acks", "0"}, {"write-acks-policy", "strict"}, {"fast-down", "YES"}, {"promotion", "available"},
		{"auth-user", "u"}, {"auth-pass", "secret"}, {"master-reboot-down-after-period", "7"},
	}})
	user, pass := "u", "secret"
	want := Settings{Quorum: 3, ParallelSyncs: 5, DownAfter: 250 * time.Millisecond, FailoverTimeout: 9 * time.Second,
		Strict: true, FastDown: true, Available: true, AuthUser: &user, AuthPass: &pass}
	if !reflect.DeepEqual(g.Settings, want) {
		t.Errorf("the settings are %+v", g.Settings)
	}
	said := s.said()
	if len(said) != 11 || said[1] != "+set master m h 1 Parallel-Syncs 5" || said[9] != "+set master m h 1 auth-pass ******" {
		t.Errorf("said %q", said)
	}
	if g.Holders.N != 1 || g.Next != nil {
		t.Error("write-acks took effect without a change of the holders")
	}
	b, err := s.s.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Unmarshal(b); err != nil || !reflect.DeepEqual(again.Groups["m"].Settings, want) {
		t.Errorf("a snapshot keeps other settings (%v)", err)
	}
}

// What is no value of an option is refused in Redis's words, and the options
// before it change nothing then.
func TestSetRefuses(t *testing.T) {
	s := born(t)
	for _, bad := range []Option{
		{"quorum", "0"}, {"quorum", "-1"}, {"quorum", "x"}, {"quorum", ""}, {"quorum", "+2"}, {"quorum", "02"}, {"quorum", "2147483648"},
		{"parallel-syncs", "0"}, {"down-after-milliseconds", "0"}, {"down-after-milliseconds", "9223372036855"}, {"failover-timeout", "1.5"},
		{"master-reboot-down-after-period", "-1"}, {"write-acks", "-1"}, {"write-acks", "17"}, {"write-acks-policy", "none"},
		{"fast-down", "1"}, {"promotion", ""}, {"lease-milliseconds", "2000"}, // this group is not fenced
	} {
		err := s.try(&Set{Options: []Option{{"quorum", "5"}, bad}})
		if want := "Invalid argument '" + bad.Value + "' for SENTINEL SET '" + bad.Name + "'"; err == nil || err.Error() != want {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if err := s.try(&Set{Options: []Option{{"quorum", "5"}, {"Nosuch", "1"}}}); err == nil || err.Error() != "Unknown option or number of arguments for SENTINEL SET 'Nosuch'" {
		t.Error(err)
	}
	if g := s.s.Groups["m"]; g.Settings.Quorum != 2 {
		t.Errorf("the quorum is %d", g.Settings.Quorum)
	}
}

// Every setting of ours can be given back as it is shown.
func TestShownSettingsCanBeSet(t *testing.T) {
	for _, s := range []Settings{{Lease: time.Second}, {WriteAcks: 2, Strict: true, FastDown: true, Available: true, Lease: 3 * time.Second}} {
		if after, err := (Settings{Lease: 150 * time.Millisecond}).With(s.Ours()); err != nil || after != s {
			t.Errorf("%+v became %+v, %v", s, after, err)
		}
	}
}
