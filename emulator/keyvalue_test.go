package emulator

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestKeyValueStoreOverTheAPI(t *testing.T) {
	t.Parallel()
	a := inProcess(t, Start(t))
	assert.Empty(t, a.get(t, "KV").object(t)["buckets"])
	a.post(t, "KV/Create/locks", "")
	a.post(t, "KV/Set/locks", `{"set":{"a/b":"1","c":"2","null":null},"runIfVersionIs":"1"}`)
	assert.Equal(t, map[string]any{"a/b": "1", "c": "2"}, a.get(t, "KV/List/locks").object(t)["pairs"])
	assert.Equal(t, map[string]any{"a/b": "1"}, a.get(t, "KV/Get/locks/a%2Fb").object(t)["pairs"])
	assert.Empty(t, a.get(t, "KV/Get/locks/other").object(t)["pairs"])
	a.refused(t, "POST", "KV/Set/locks", `{"set":{"c":"3"},"runIfVersionIs":1}`, "runIfVersionIsMismatch")
	a.refused(t, "POST", "KV/Set/locks", `{"set":{"c":3}}`, "invalidParam")
	a.refused(t, "POST", "KV/Set/locks", `{"set":[]}`, "invalidParam")
	a.refused(t, "POST", "KV/Create/locks", "", "objectExists")
	a.refused(t, "GET", "KV/List/other", "", "objectDoesNotExist")
	a.refused(t, "GET", "KV/Get/locks/a/b", "", "unknownQuery")
	a.post(t, "KV/Set/locks", `{"set":{"c":""}}`)
	a.post(t, "KV/Set/locks", ``)
	a.post(t, "KV/Create/%23x", ``)
	assert.Equal(t, map[string]any{"locks": json.Number("4"), "#x": json.Number("1")}, a.get(t, "KV").object(t)["buckets"])
	a.post(t, "KV/Delete/locks", "")
	a.refused(t, "POST", "KV/Delete/locks", "", "objectDoesNotExist")
}
