package cluster

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/internal/clock"
)

// A volume of any name, size and tag is refused in StorPool's terms, or is there under its name and its id.
func FuzzNames(f *testing.F) {
	f.Add("v", "t", "x", int64(512))
	f.Add("~spsm.b.1", "", "", int64(-1))
	f.Add("../../etc/passwd", "a/b", "\x00", int64(1<<62))
	f.Add("vol@12", "cs", "snapshot", int64(1<<40))
	f.Add(strings.Repeat("x", 201), strings.Repeat("t", 300), "\xff", int64(513))
	f.Fuzz(func(t *testing.T, name, tag, value string, size int64) {
		c, err := New(Options{Clock: clock.NewVirtual(time.Unix(1_700_000_000, 0)), Model: DefaultModel()})
		require.NoError(t, err)
		_, _ = c.Volume(Ref(name)) // whatever it looks like
		tags := map[string]string{}
		if tag != "" {
			tags[tag] = value
		}
		v, err := c.VolumeCreate(VolumeSpec{Name: name, Size: &size, Tags: tags})
		if err != nil {
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Zero(t, c.Volumes().Len())
			return
		}
		made, err := c.Volume(Ref("~" + v.GlobalID))
		require.NoError(t, err)
		require.Equal(t, size, made.Size)
		for _, ref := range []Ref{Ref(name), Ref("~" + v.GlobalID)} {
			if ref == "" {
				continue
			}
			got, err := c.Volume(ref)
			require.NoError(t, err)
			require.Equal(t, v.GlobalID, got.GlobalID)
		}
		if tag != "" && value != "" {
			got, ok := made.Tags.Get(tag)
			require.True(t, ok)
			require.Equal(t, value, got)
		}
		require.NoError(t, c.VolumeDelete(Ref("~"+v.GlobalID), ""))
	})
}

// What is no whole state is refused; what is loaded is saved as the same text again and again.
func FuzzState(f *testing.F) {
	c, err := New(Options{Clock: clock.NewVirtual(time.Unix(1_700_000_000, 0)), Model: DefaultModel()})
	require.NoError(f, err)
	size := int64(1 << 20)
	_, err = c.VolumeCreate(VolumeSpec{Name: "v", Size: &size, Tags: map[string]string{"cs": "volume"}})
	require.NoError(f, err)
	require.NoError(f, c.WriteContent("v", 0, []byte("contents")))
	_, err = c.VolumeSnapshot("v", SnapshotSpec{Name: "s"})
	require.NoError(f, err)
	require.NoError(f, c.Reassign([]Assignment{{Volume: "v", RW: []int{1}}}))
	var whole bytes.Buffer
	require.NoError(f, c.Save(&whole))
	body, _, ok := bytes.Cut(whole.Bytes(), []byte(stateSum))
	require.True(f, ok)
	f.Add(body)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		text := string(body) + stateSum + hex.EncodeToString(sum[:]) + stateEnd
		loaded, err := Load(strings.NewReader(text), clock.NewVirtual(time.Unix(1_700_000_000, 0)))
		if err != nil {
			require.ErrorIs(t, err, ErrState)
			return
		}
		var first, second bytes.Buffer
		if loaded.Save(&first) != nil {
			return // of no cluster
		}
		again, err := Load(bytes.NewReader(first.Bytes()), clock.NewVirtual(time.Unix(1_700_000_000, 0)))
		require.NoError(t, err)
		require.NoError(t, again.Save(&second))
		require.Equal(t, first.String(), second.String())
	})
}
