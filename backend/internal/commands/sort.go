package commands

import (
	"bytes"
	"cmp"
	"slices"

	"holdfast/backend/command"
	"holdfast/backend/internal/store"
	"holdfast/backend/internal/types"
)

var sortRows = []Row{
	{"sort", func(c *Ctx) { sortKey(c, true) }},
	{"sort_ro", func(c *Ctx) { sortKey(c, false) }},
}

// sorting is what SORT asks for.
type sorting struct {
	by          []byte // pattern of the weights' keys; nil: the elements themselves
	unsorted    bool   // BY names no pattern: elements in the order they have
	alpha, desc bool
	start       int64
	count       int64 // negative: all
	get         [][]byte
	dest        []byte // nil: reply
}

// sortItem is an element that is sorted. All of its bytes are the command's own: looking
// up weights may change the store.
type sortItem struct {
	element []byte
	score   float64
	weight  []byte // with ALPHA BY; nil when there is none
}

func sortKey(c *Ctx, store bool) {
	q, ok := c.sorting(store)
	if !ok {
		return
	}
	v, found := c.DB.Value(c.Args[1])
	if found && !sortable(v.Type) {
		c.Err(errWrongType)
		return
	}
	var items []sortItem
	if found {
		q.settle(c, v.Type)
		items = q.load(&v)
		if !q.unsorted && !c.weigh(&q, items) {
			return
		}
	}
	q.sort(items)
	items = q.cut(items)
	if q.dest != nil {
		c.storeSorted(&q, items)
	} else {
		c.replySorted(&q, items)
	}
}

func sortable(t store.Type) bool { return t == store.List || t == store.Set || t == store.ZSet }

func (c *Ctx) sorting(store bool) (q sorting, ok bool) {
	q.count = -1
	for i := 2; i < len(c.Args); i++ {
		word, left := c.Args[i], len(c.Args)-i-1
		switch {
		case is(word, "asc"):
			q.desc = false
		case is(word, "desc"):
			q.desc = true
		case is(word, "alpha"):
			q.alpha = true
		case is(word, "limit") && left >= 2:
			if q.start, ok = c.integer(i + 1); !ok {
				return q, false
			}
			if q.count, ok = c.integer(i + 2); !ok {
				return q, false
			}
			i += 2
		case store && is(word, "store") && left >= 1:
			i++
			q.dest = c.Args[i]
		case is(word, "by") && left >= 1:
			i++
			q.by = c.Args[i]
			if q.unsorted = bytes.IndexByte(q.by, '*') < 0; !q.unsorted && !c.readsAny("BY") {
				return q, false
			}
		case is(word, "get") && left >= 1:
			i++
			if q.get = append(q.get, c.Args[i]); !c.readsAny("GET") {
				return q, false
			}
		default:
			c.Err(errSyntax)
			return q, false
		}
	}
	return q, true
}

// readsAny checks that the client may read keys that the request does not name.
func (c *Ctx) readsAny(option string) bool {
	if c.User.MayReadAny(command.Find(c.Args), c.Args) {
		return true
	}
	c.Err("ERR " + option + " option of SORT denied due to insufficient ACL permissions.")
	return false
}

// settle decides in what order a set that is not to be sorted comes: where the order
// becomes data, or a script's, it must be the same on every node.
func (q *sorting) settle(c *Ctx, t store.Type) {
	if q.unsorted && t == store.Set && (q.dest != nil || c.InScript) {
		q.unsorted, q.alpha, q.by = false, true, nil
	}
	if q.unsorted && t == store.Set {
		q.desc = false // it has no order to reverse
	}
}

// load copies the elements.
func (q *sorting) load(v *store.Value) (items []sortItem) {
	var names []byte
	ends := make([]int, 0, v.Len())
	add := func(element []byte) bool {
		names = append(names, element...)
		ends = append(ends, len(names))
		return true
	}
	switch v.Type {
	case store.List:
		l := v.List()
		l.Each(0, l.Len(), types.Tail, add)
	case store.Set:
		s := v.Set()
		s.Each(add)
	case store.ZSet:
		z := v.ZSet()
		z.Each(0, z.Len(), false, func(member []byte, _ float64) bool { return add(member) })
	}
	items = make([]sortItem, len(ends))
	from := 0
	for i, end := range ends {
		items[i].element = names[from:end:end]
		from = end
	}
	return items
}

// sort orders the items. Equal scores are told apart by the elements, so that the
// result depends on nothing else.
func (q *sorting) sort(items []sortItem) {
	if q.unsorted {
		if q.desc {
			slices.Reverse(items)
		}
		return
	}
	slices.SortStableFunc(items, func(a, b sortItem) int {
		order := q.compare(&a, &b)
		if q.desc {
			return -order
		}
		return order
	})
}

func (q *sorting) compare(a, b *sortItem) int {
	switch {
	case !q.alpha && a.score != b.score:
		return cmp.Compare(a.score, b.score)
	case !q.alpha || q.by == nil:
		return bytes.Compare(a.element, b.element)
	case a.weight == nil && b.weight == nil:
		return 0
	case a.weight == nil:
		return -1
	case b.weight == nil:
		return 1
	}
	return bytes.Compare(a.weight, b.weight)
}

// cut applies LIMIT.
func (q *sorting) cut(items []sortItem) []sortItem {
	n := int64(len(items))
	start := min(max(q.start, 0), n)
	if q.count < 0 {
		return items[start:]
	}
	return items[start : start+min(q.count, n-start)]
}

// results passes what is asked for of every item; ok is false where a GET finds nothing.
func (c *Ctx) results(q *sorting, items []sortItem, pass func(value []byte, ok bool)) {
	for i := range items {
		if len(q.get) == 0 {
			pass(items[i].element, true)
		}
		for _, pattern := range q.get {
			pass(c.byPattern(pattern, items[i].element))
		}
	}
}

func (c *Ctx) replySorted(q *sorting, items []sortItem) {
	c.Array(len(items) * max(len(q.get), 1))
	c.results(q, items, func(value []byte, ok bool) {
		if ok {
			c.Bulk(value)
		} else {
			c.Null()
		}
	})
}

func (c *Ctx) storeSorted(q *sorting, items []sortItem) {
	if len(items) == 0 {
		c.nothingStored(q.dest)
		return
	}
	list := c.Store.Space().NewList()
	c.results(q, items, func(value []byte, _ bool) { list.Push(types.Tail, value) })
	n := list.Len()
	if c.failed(c.DB.Put(q.dest, store.List, list.Root(), store.NoExpire)) {
		return
	}
	c.Changed(n)
	c.Notify(List, "sortstore", q.dest)
	c.Int(int64(n))
}
