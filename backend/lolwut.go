package backend

import (
	"math/rand/v2"
	"strings"

	"holdfast/backend/internal/commands"
	"holdfast/backend/internal/types"
)

// lolwut draws a labyrinth of random diagonals, which one line of BASIC was
// famous for, and says the version. LOLWUT VERSION n [columns [rows]] sizes it.
func lolwut(_ *session, x *commands.Ctx) {
	size := []int64{64, 8}
	most := []int64{1000, 200}
	if len(x.Args) > 2 && equalFold(string(x.Args[1]), "version") {
		for i, word := range x.Args[2:min(len(x.Args), 5)] {
			v, ok := types.ParseInt(word)
			if !ok {
				x.Err(errNotInt)
				return
			}
			if i > 0 { // the first is the version: there is one picture
				size[i-1] = min(max(v, 1), most[i-1])
			}
		}
	}
	var b strings.Builder
	for range size[1] {
		for range size[0] {
			b.WriteRune([]rune("╱╲")[rand.IntN(2)])
		}
		b.WriteByte('\n')
	}
	b.WriteString("\nHoldfast ver. " + Version + "\n")
	x.Out = appendText(x, b.String())
}
