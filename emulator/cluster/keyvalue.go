package cluster

import (
	"maps"
	"strings"
)

// maxKey is the longest name of a bucket and the longest key, in bytes (storpool-api Appendix C).
const maxKey = 1022

// bucket is a bucket of the key-value store.
type bucket struct {
	version int64 // firstVersion at first, one more with every change
	pairs   map[string]string
}

// firstVersion is the version of a new bucket. It is not 0, which some clients take for no version at all
// (inferred, storpool-api 12).
const firstVersion = 1

// Bucket is a bucket of the key-value store as it was at one moment.
type Bucket struct {
	Name    string
	Version int64
	Pairs   map[string]string
}

// KVSet changes a bucket: a value that is empty deletes its key. All of it is done or nothing.
type KVSet struct {
	Pairs map[string]string
	// IfVersion is the version that the bucket must have; nil for any.
	IfVersion *int64
}

func validBucketName(s string) bool {
	return len(s) <= maxKey && made(strings.TrimPrefix(s, "#"), "_-.:", maxKey)
}

func checkKey(key string) error {
	if key == "" || len(key) > maxKey {
		return refuse(InvalidParam, "Invalid key: not of 1 to %d bytes", maxKey)
	}
	return nil
}

// bucket finds a bucket.
func (c *Cluster) bucket(name string) (*bucket, error) {
	if !validBucketName(name) {
		return nil, refuse(InvalidParam, "Invalid bucket name '%s'", name)
	}
	if b := c.buckets[name]; b != nil {
		return b, nil
	}
	return nil, missing("Bucket", name)
}

// KVBuckets returns the versions of all buckets.
func (c *Cluster) KVBuckets() map[string]int64 {
	c.rlock()
	defer c.mu.RUnlock()
	all := make(map[string]int64, len(c.buckets))
	for name, b := range c.buckets {
		all[name] = b.version
	}
	return all
}

// KVList returns a bucket with all its pairs. Errors: [ObjectDoesNotExist], [InvalidParam].
func (c *Cluster) KVList(name string) (Bucket, error) {
	c.rlock()
	defer c.mu.RUnlock()
	b, err := c.bucket(name)
	if err != nil {
		return Bucket{}, err
	}
	return Bucket{Name: name, Version: b.version, Pairs: maps.Clone(b.pairs)}, nil
}

// KVGet returns a bucket reduced to one pair; without any when it does not have the key. Errors:
// [ObjectDoesNotExist] for the bucket, [InvalidParam].
func (c *Cluster) KVGet(name, key string) (Bucket, error) {
	if err := checkKey(key); err != nil {
		return Bucket{}, err
	}
	c.rlock()
	defer c.mu.RUnlock()
	b, err := c.bucket(name)
	if err != nil {
		return Bucket{}, err
	}
	one := map[string]string{}
	if value, ok := b.pairs[key]; ok {
		one[key] = value
	}
	return Bucket{Name: name, Version: b.version, Pairs: one}, nil
}

// KVCreate makes an empty bucket. Errors: [ObjectExists], [InvalidParam].
func (c *Cluster) KVCreate(name string) error {
	c.lock()
	defer c.mu.Unlock()
	if !validBucketName(name) {
		return refuse(InvalidParam, "Invalid bucket name '%s'", name)
	}
	if c.buckets[name] != nil {
		return refuse(ObjectExists, "Bucket '%s' already exists", name)
	}
	c.buckets[name] = &bucket{version: firstVersion, pairs: map[string]string{}}
	c.changed()
	return nil
}

// KVDelete removes a bucket with its pairs. Errors: [ObjectDoesNotExist], [InvalidParam].
func (c *Cluster) KVDelete(name string) error {
	c.lock()
	defer c.mu.Unlock()
	if _, err := c.bucket(name); err != nil {
		return err
	}
	delete(c.buckets, name)
	c.changed()
	return nil
}

// KVSet changes the pairs of a bucket. The version grows by one, whatever was changed. Errors:
// [ObjectDoesNotExist], [RunIfVersionIsMismatch], [InvalidParam].
func (c *Cluster) KVSet(name string, set KVSet) error {
	c.lock()
	defer c.mu.Unlock()
	b, err := c.bucket(name)
	if err != nil {
		return err
	}
	for key := range set.Pairs {
		if err := checkKey(key); err != nil {
			return err
		}
	}
	if v := set.IfVersion; v != nil && *v != b.version {
		return refuse(RunIfVersionIsMismatch, "Bucket '%s' has version %d, not %d", name, b.version, *v)
	}
	for key, value := range set.Pairs {
		if value == "" {
			delete(b.pairs, key)
		} else {
			b.pairs[key] = value
		}
	}
	b.version++
	c.changed()
	return nil
}
