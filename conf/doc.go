// Package conf is Holdfast's vocabulary of configuration: what every directive is called, what it takes, what it
// defaults to, which part knows it, and how it is read from a file or a command line.
//
// The journey of one value: a source (a .toml file, a redis.conf or sentinel.conf, the flags) is read into settings,
// each with the place it stands at; assemble looks every one up in the table of directives, parses it with the codec of
// its type, and fills the typed struct of the part (NodeConfig, SentinelConfig, ProxyConfig); validate checks how the
// values stand to each other. Load does all of that and returns Settings: an immutable typed struct behind one atomic
// pointer, with CONFIG GET and CONFIG SET by name beside it. Rewrite carries changed values back into the file.
//
// The table is the only place that knows a name, a default or a bound. Struct fields name their directive in a tag, and
// tests hold structs, samples and table to each other.
//
// What it does not do: it reads no environment, opens no socket, and creates nothing but what PrepareDir is asked for. It does
// not know whether an address answers or a certificate fits its key; the part that uses the value says so.
package conf
