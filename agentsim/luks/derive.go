package luks

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the hash of old headers; only read
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
)

// hashNamed finds the hash of a header.
func hashNamed(name string) (func() hash.Hash, bool) {
	switch name {
	case "sha1":
		return sha1.New, true
	case "sha256":
		return sha256.New, true
	case "sha512":
		return sha512.New, true
	default:
		return nil, false
	}
}

// deriver does the two slow steps of opening, or finds them in a cache. Both depend on nothing but their arguments.
type deriver struct {
	name  string
	hash  func() hash.Hash
	cache *Cache
}

// key is PBKDF2.
func (d deriver) key(secret, salt []byte, iterations uint32, size int) ([]byte, error) {
	var numbers [8]byte
	binary.BigEndian.PutUint32(numbers[:], iterations)
	binary.BigEndian.PutUint32(numbers[4:], uint32(size))
	return d.cache.get(func() ([]byte, error) {
		return pbkdf2.Key(d.hash, string(secret), salt, int(iterations), size)
	}, []byte("pbkdf2 "+d.name), secret, salt, numbers[:])
}

// unlock decrypts key material as it lies on the device and merges it. The material is spent afterwards.
func (d deriver) unlock(material, key []byte) ([]byte, error) {
	return d.cache.get(func() ([]byte, error) {
		c, err := newSectors(key)
		if err != nil {
			return nil, err
		}
		c.decrypt(material, material, 0)
		defer Wipe(material)
		return merge(material, len(key), d.hash), nil
	}, []byte("unlock "+d.name), key, material)
}

// Wipe clears a passphrase or key that has served (agent 16, A-24).
func Wipe(secret []byte) { clear(secret) }
