package cli

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"
)

// hinter shows behind the line which arguments may follow.
//
// readline paints a character that is typed at the end by itself, without the
// line before it, and calls listen afterwards; only what listen asks to be
// painted anew is the whole line and gets its hint.
type hinter struct {
	help  *help
	width int // of the prompt, columns
	whole bool
	typed bool // there is something in the line
}

// listen implements readline.Listener.
func (h *hinter) listen(line []rune, pos int, key rune) ([]rune, int, bool) {
	h.whole, h.typed = key != 0, len(line) > 0
	return line, pos, h.whole
}

// paint implements readline.Painter. What a former hint left is wiped away.
func (h *hinter) paint(line []rune, pos int) []rune {
	out := append([]rune(nil), line...)
	if pos < len(line) {
		return out
	}
	out = append(out, []rune("\x1b[0K")...)
	if !h.whole {
		return out
	}
	h.whole = false
	hint := h.hint(string(line))
	room, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return out
	}
	runes := []rune(hint)
	runes = runes[:max(0, min(len(runes), room-h.width-len(line)-1))] // it must not wrap: the cursor could not go back
	if len(runes) > 0 {
		out = append(out, []rune(fmt.Sprintf("\x1b[90m%s\x1b[0m\x1b[%dD", string(runes), len(runes)))...)
	}
	return out
}

// hint is what may follow a line, with the blank in front that it lacks.
func (h *hinter) hint(line string) string {
	typed := strings.Fields(line)
	d, length := h.help.find(typed)
	if d == nil {
		return ""
	}
	ends := strings.HasSuffix(line, " ")
	args := typed[length:]
	if !ends && len(args) > 0 {
		return "" // a word is being typed
	}
	rest := d.rest(args)
	if rest == "" || ends {
		return rest
	}
	return " " + rest
}
