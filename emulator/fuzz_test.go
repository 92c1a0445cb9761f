package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/cluster"
)

// Whatever is asked of the admin API, the answer is JSON, bytes or a line a call, and no defect of the server shows.
func FuzzAdmin(f *testing.F) {
	for _, c := range [][3]string{
		{"GET", "calls?after=1&limit=2&request=x", ""},
		{"GET", "calls?follow=true", ""},
		{"POST", "faults", `{"call":"POST VolumeCreate","object":"v*","nth":2,"effect":{"kind":"delay","delay":"1s","jitter":"1ms"}}`},
		{"DELETE", "faults/1", ""},
		{"POST", "conditions", `{"kind":"capacityExhausted","group":"ssd"}`},
		{"DELETE", "conditions?kind=diskGone&id=101", ""},
		{"PUT", "contents/v?offset=1&client=1", "x"},
		{"GET", "contents/%7Espsm.b.1/extents?offset=99", ""},
		{"POST", "devices", `{"client":1,"path":"/dev/storpool/v"}`},
		{"GET", "devices/1/contents?offset=9&length=9", ""},
		{"POST", "devices/1/discard", `{"offset":0,"length":512}`},
		{"POST", "clock/advance", `{"by":"1h"}`},
		{"PUT", "state", `{"format":"spsim"}`},
		{"GET", "health?cluster=~spsm.b", ""},
	} {
		f.Add(c[0], c[1], c[2])
	}
	s, _ := eventful(f)
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // a follower leaves at once
	f.Fuzz(func(t *testing.T, method, call, body string) {
		u, err := url.ParseRequestURI(AdminPrefix + call)
		if err != nil {
			return
		}
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
		r.Method, r.URL, r.Body = method, u, httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader(body)).Body
		r.ContentLength = int64(len(body))
		r.Header.Set("Authorization", "Storpool v1:"+s.Token())
		w := httptest.NewRecorder()
		s.AdminHandler().ServeHTTP(w, r)
		switch w.Header().Get("Content-Type") {
		case "application/octet-stream", "application/x-ndjson":
			return
		}
		require.Truef(t, json.Valid(w.Body.Bytes()), "%s", w.Body)
		if w.Code != http.StatusOK {
			var out adminError
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
			require.NotEmpty(t, out.Error.Name)
			require.NotEqual(t, NameInternal, cluster.ErrorName(out.Error.Name), "%s %s %s: %s", method, call, body, w.Body)
		}
	})
}

// Whatever a model file says, it is refused or makes a server.
func FuzzDocument(f *testing.F) {
	f.Add(`{"servers":3,"ssdsPerServer":2,"hddsPerServer":4,"clients":5,"replication":3}`)
	f.Add(`{"location":"sofia","locations":[{"id":"vien","name":"vienna"}],"clusters":[{"id":"c","name":"second","location":"sofia"}]}`)
	f.Add(`{"templates":[{"name":"t","placeAll":"ssd","placeTail":"hdd","replication":2}],"faultSets":{"rack":[1]}}`)
	f.Add(`{"behaviour":{"status":"byName,busy=423","strict":true,"deleteDelay":"1h","sizeGranularity":4096}}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := ParseDocument([]byte(text))
		if err != nil {
			return
		}
		const large = 300 // what takes long to make is no mistake
		if doc.Servers*(doc.SSDsPerServer+doc.HDDsPerServer) > large || doc.Clients > large {
			return
		}
		s, err := New(WithDocument(doc))
		require.NoError(t, err, "%s", text)
		s.Close()
	})
}
