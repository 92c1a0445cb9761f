package cluster

import (
	"encoding/binary"
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/tidwall/btree"
)

// Tags is an immutable set of tags, in ascending order of their names.
type Tags struct {
	packed string // length and text of each name and value in turn
}

// All yields name and value of every tag, by ascending name.
func (t Tags) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for rest := t.packed; rest != ""; {
			var name, value string
			name, rest = unpack(rest)
			value, rest = unpack(rest)
			if !yield(name, value) {
				return
			}
		}
	}
}

// Get returns the value of a tag, and whether there is one.
func (t Tags) Get(name string) (string, bool) {
	for n, v := range t.All() {
		if n == name {
			return v, true
		}
	}
	return "", false
}

// Len returns the number of tags.
func (t Tags) Len() (n int) {
	for range t.All() {
		n++
	}
	return n
}

// Map returns the tags as a new map, never nil.
func (t Tags) Map() map[string]string { return maps.Collect(t.All()) }

// merge applies changes: an empty value removes the tag.
func (t Tags) merge(changes map[string]string) Tags {
	if len(changes) == 0 {
		return t
	}
	type tag struct{ name, value string }
	all := make([]tag, 0, 8)
	size := 0
	add := func(name, value string) {
		if value != "" {
			all = append(all, tag{name, value})
			size += len(name) + len(value) + 2*binary.MaxVarintLen16
		}
	}
	for name, value := range t.All() {
		if _, changes := changes[name]; !changes {
			add(name, value)
		}
	}
	for name, value := range changes {
		add(name, value)
	}
	slices.SortFunc(all, func(a, b tag) int { return strings.Compare(a.name, b.name) })
	packed := make([]byte, 0, size)
	for _, a := range all {
		packed = pack(pack(packed, a.name), a.value)
	}
	return Tags{packed: string(packed)}
}

// checkTags refuses bad names and values.
func (c *Cluster) checkTags(tags map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if !validTagName(name) {
			return refuse(InvalidParam, "Invalid tag name '%s'", name)
		}
		if !validTagValue(tags[name], c.does.StrictTagValues) {
			return refuse(InvalidParam, "Invalid value of tag '%s'", name)
		}
	}
	return nil
}

func pack(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// unpack takes the next text off packed. Lengths are below 2^14: one or two bytes.
func unpack(packed string) (s, rest string) {
	n, skip := int(packed[0]), 1
	if n >= 0x80 {
		n, skip = n&0x7f|int(packed[1])<<7, 2
	}
	return packed[skip : skip+n], packed[skip+n:]
}

// tagIndex finds objects by tag: an ordered set of a hash of name and value with the id of the object. It costs
// nothing until the first search builds it.
type tagIndex struct {
	seed maphash.Seed
	set  *btree.BTreeG[tagged] // nil until built
}

type tagged struct {
	tag uint64
	id  int64
}

func (x *tagIndex) build(lists ...*btree.Map[int64, *Object]) {
	if x.set != nil {
		return
	}
	less := func(a, b tagged) bool { return a.tag < b.tag || a.tag == b.tag && a.id < b.id }
	x.seed, x.set = maphash.MakeSeed(), btree.NewBTreeGOptions(less, btree.Options{NoLocks: true})
	for _, l := range lists {
		l.Scan(func(id int64, o *Object) bool {
			x.add(id, o.Tags)
			return true
		})
	}
}

func (x *tagIndex) hash(name, value string) uint64 {
	return maphash.String(x.seed, name)*31 + maphash.String(x.seed, value)
}

func (x *tagIndex) add(id int64, tags Tags) {
	if x.set == nil {
		return
	}
	for n, v := range tags.All() {
		x.set.Set(tagged{x.hash(n, v), id})
	}
}

func (x *tagIndex) remove(id int64, tags Tags) {
	if x.set == nil {
		return
	}
	for n, v := range tags.All() {
		x.set.Delete(tagged{x.hash(n, v), id})
	}
}

// ids yields, ascending, the ids of objects that may have the tag.
func (x *tagIndex) ids(name, value string) iter.Seq[int64] {
	tag := x.hash(name, value)
	return func(yield func(int64) bool) {
		x.set.Ascend(tagged{tag: tag}, func(t tagged) bool { return t.tag == tag && yield(t.id) })
	}
}
