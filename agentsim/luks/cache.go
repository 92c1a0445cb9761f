package luks

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// Cache remembers derived keys, so that opening the same container again costs no derivation. It is found by everything
// that the key depends on, key material included, so that a damaged container is as damaged with a cache as without.
// It holds keys, never passphrases. A nil cache remembers nothing. Safe for concurrent use.
type Cache struct {
	limit int
	seal  [sha256.Size]byte // keeps what is remembered from being recognised by its name

	mu    sync.Mutex
	keys  map[name][]byte
	order []name // oldest first
}

type name [sha256.Size]byte

// entriesPerOpen is what one opened slot leaves behind: its derived key, the merged key, the digest.
const entriesPerOpen = 3

// NewCache makes a cache for the keys of so many containers; the oldest are forgotten first.
func NewCache(containers int) *Cache {
	c := &Cache{limit: max(containers, 1) * entriesPerOpen, keys: map[name][]byte{}}
	_, _ = rand.Read(c.seal[:]) // never fails
	return c
}

// Forget wipes everything that is remembered.
func (c *Cache) Forget() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range c.keys {
		Wipe(key)
	}
	clear(c.keys)
	c.order = nil
}

// get gives a copy of what derive made for these parts, which belongs to the caller.
func (c *Cache) get(derive func() ([]byte, error), parts ...[]byte) ([]byte, error) {
	if c == nil {
		return derive()
	}
	n := c.name(parts)
	if key, ok := c.find(n); ok {
		return key, nil
	}
	key, err := derive()
	if err == nil {
		c.keep(n, key)
	}
	return key, err
}

func (c *Cache) name(parts [][]byte) (n name) {
	h := hmac.New(sha256.New, c.seal[:])
	for _, p := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		h.Write(length[:])
		h.Write(p)
	}
	h.Sum(n[:0])
	return n
}

func (c *Cache) find(n name) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, ok := c.keys[n]
	return append([]byte(nil), key...), ok
}

func (c *Cache) keep(n name, key []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.keys[n]; ok {
		return
	}
	if len(c.order) == c.limit {
		Wipe(c.keys[c.order[0]])
		delete(c.keys, c.order[0])
		c.order = c.order[1:]
	}
	c.keys[n] = append([]byte(nil), key...)
	c.order = append(c.order, n)
}
