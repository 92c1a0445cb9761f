package emulator

import (
	"context"

	"github.com/tidwall/gjson"

	"github.com/spsim/spsim/emulator/cluster"
)

// kvPairs are keys with their values, all of them text.
type kvPairs map[string]string

func (p *kvPairs) fromJSON(src gjson.Result, at string) error {
	if !src.IsObject() {
		return invalid("Invalid value of '%s': not an object", at)
	}
	out := kvPairs{}
	var err error
	src.ForEach(func(key, value gjson.Result) bool {
		switch value.Type {
		case gjson.Null:
		case gjson.String:
			out[key.String()] = value.String()
		default:
			err = invalid("Invalid value of '%s': not a string", under(at, key.String()))
		}
		return err == nil
	})
	*p = out
	return err
}

// kvBuckets are the versions of all buckets.
type kvBuckets struct {
	Buckets map[string]int64 `json:"buckets"`
}

// kvBucket is a bucket, with all its pairs or one.
type kvBucket struct {
	Name    string            `json:"name"`
	Version int64             `json:"version"`
	Pairs   map[string]string `json:"pairs"`
}

func bucketOf(b cluster.Bucket, err error) (kvBucket, error) {
	return kvBucket{Name: b.Name, Version: b.Version, Pairs: b.Pairs}, err
}

// kvList: all buckets with their versions (storpool-api 12).
func kvList(_ context.Context, c *cluster.Cluster, _ noArguments) (kvBuckets, error) {
	return kvBuckets{Buckets: c.KVBuckets()}, nil
}

type bucketArguments struct {
	Bucket string `sp:"bucketName,path"`
}

func kvListBucket(_ context.Context, c *cluster.Cluster, q bucketArguments) (kvBucket, error) {
	return bucketOf(c.KVList(q.Bucket))
}

type keyArguments struct {
	bucketArguments
	Key string `sp:"keyName,path"`
}

// kvGet: the bucket has no pairs when it does not have the key.
func kvGet(_ context.Context, c *cluster.Cluster, q keyArguments) (kvBucket, error) {
	return bucketOf(c.KVGet(q.Bucket, q.Key))
}

func kvCreate(_ context.Context, c *cluster.Cluster, q bucketArguments) (apiOK, error) {
	return ok(c, c.KVCreate(q.Bucket))
}

func kvDelete(_ context.Context, c *cluster.Cluster, q bucketArguments) (apiOK, error) {
	return ok(c, c.KVDelete(q.Bucket))
}

type kvSetArguments struct {
	bucketArguments
	Set       kvPairs `sp:"set"`
	IfVersion *int64  `sp:"runIfVersionIs"`
}

// kvSet: all or nothing; an empty value deletes its key.
func kvSet(_ context.Context, c *cluster.Cluster, q kvSetArguments) (apiOK, error) {
	return ok(c, c.KVSet(q.Bucket, cluster.KVSet{Pairs: q.Set, IfVersion: q.IfVersion}))
}
