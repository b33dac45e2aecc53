package command

// nativeCommands is the protocol between the parts of Holdfast; package
// backend documents it.
var nativeCommands = []*Command{
	{Name: "holdfast", Arity: -2, Flags: Admin | NoScript | NoMulti | Loading | Stale | SkipMonitor | SkipSlowlog, Cats: CatHoldfast | CatAdmin | CatDangerous, Subs: []*Command{
		native("hello", -3, Fast|AllowBusy),
		native("epoch", 2, Fast|AllowBusy),
		native("link", 3, Fast|AllowBusy),
		native("linkpos", 7, 0),
		native("probe", 6, 0),
		native("seal", 4, 0),
		native("promote", -7, 0),
		native("follow", 6, 0),
		native("drain", 4, 0),
		native("holders", -6, 0),
	}},
}

func native(name string, arity int, extra Flags) *Command {
	return &Command{Name: name, Arity: arity, Flags: Admin | NoScript | NoMulti | Loading | Stale | SkipMonitor | SkipSlowlog | extra, Cats: CatHoldfast | CatAdmin | CatDangerous}
}
