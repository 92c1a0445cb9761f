package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
)

func TestSizesAreReadAndWrittenInWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0 B": 0, "512 B": 512, "64 KiB": 65536, "3 MiB": 3 << 20, "2 GiB": 2 << 30, "1 TiB": 1 << 40} {
		got, err := size(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		assert.Equal(t, text, inWords(want))
	}
	for _, text := range []string{"", "2", "2GiB", "2 GB", "-1 GiB", "1.5 GiB", "99999999999999999999 B"} {
		_, err := size(text)
		assert.Error(t, err, text)
	}
}

func TestEffectsAreReadFromWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]fault.Effect{
		`refused`:                        {Kind: fault.Refuse},
		`refused with "noSpace"`:         {Kind: fault.Refuse, Error: "noSpace"},
		`refused in passing`:             {Kind: fault.Transient},
		`refused with "busy" in passing`: {Kind: fault.Transient, Error: "busy"},
		`lost`:                           {Kind: fault.Lose},
		`cut`:                            {Kind: fault.Cut},
		`hung`:                           {Kind: fault.Hang},
		`malformed`:                      {Kind: fault.Malformed},
		`delayed by 20 s`:                {Kind: fault.Delay, Delay: fault.Duration(20 * time.Second)},
		`late by 3 min`:                  {Kind: fault.Late, Delay: fault.Duration(3 * time.Minute)},
		`truncated`:                      {Kind: fault.Truncated},
		`answered with HTTP status 502`:  {Kind: fault.Status, Status: 502},
		`late by 3 s to 5 s`:             {Kind: fault.Late, Delay: fault.Duration(3 * time.Second), Jitter: fault.Duration(2 * time.Second)},
		`delayed by 1500 ms`:             {Kind: fault.Delay, Delay: fault.Duration(1500 * time.Millisecond)},
	} {
		got, err := effect(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
		require.NoError(t, fault.Rule{Call: "POST VolumeCreate", Effect: got}.Check(), text)
	}
	for _, text := range []string{"", "broken", "late", "delayed by 3", "refused loudly", "late by 5 s to 3 s", "answered with HTTP status"} {
		_, err := effect(text)
		assert.Error(t, err, text)
	}
}

func TestOfferingDetailsAreReadFromAList(t *testing.T) {
	t.Parallel()
	got, err := details(`tier "gold", template "ssd", 500 IOPS, the size 2 GiB`)
	require.NoError(t, err)
	assert.Equal(t, offering{tier: "gold", template: "ssd", iops: 500, size: 2 << 30}, got)
	got, err = details("no details")
	require.NoError(t, err)
	assert.Equal(t, offering{}, got)
	for _, text := range []string{"", "gold", "tier gold", "many IOPS", "the size 2"} {
		_, err := details(text)
		assert.Error(t, err, text)
	}
}

func TestPatternsDifferByNameAndSeedAndAreRecognised(t *testing.T) {
	t.Parallel()
	a := pattern(1, "a")
	require.Len(t, a, patternSize)
	assert.Equal(t, a, pattern(1, "a"))
	assert.NotEqual(t, a, pattern(2, "a"))
	require.NoError(t, compare(1, "a", a))
	assert.ErrorContains(t, compare(1, "a", pattern(1, "b")), `the pattern "b"`)
	assert.ErrorContains(t, compare(1, "a", make([]byte, patternSize)), "zeros")
	other := pattern(1, "a")
	other[5000] ^= 1
	assert.ErrorContains(t, compare(1, "a", other), "from byte 5000 on")
	assert.ErrorContains(t, compare(1, "a", []byte("QFI\xfb and more")), "unknown bytes")
	assert.Error(t, compare(1, "a", a[:512]))
}

func TestALaterPatternReplacesWhatItOverlaps(t *testing.T) {
	t.Parallel()
	in := map[string][]mark{}
	note(in, "d", mark{0, "a"})
	note(in, "d", mark{1 << 30, "b"})
	note(in, "d", mark{patternSize / 2, "c"})
	assert.Equal(t, []mark{{1 << 30, "b"}, {patternSize / 2, "c"}}, in["d"])
	assert.Equal(t, []mark{{patternSize / 2, "c"}}, upTo(in["d"], 1<<30))
	assert.Len(t, upTo(in["d"], 1<<30+patternSize), 2)
	assert.Len(t, upTo(in["d"], 1<<30+patternSize-1), 1)
}
