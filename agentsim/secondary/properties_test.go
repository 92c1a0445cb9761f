package secondary

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func noon() time.Time { return time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC) }

func TestPropertiesAreWrittenAsJavaDoes(t *testing.T) {
	t.Parallel()
	p := Properties{
		"filename": "a b.qcow2", "with space": " lead", "eq=:#!": "x=y:z#!", "uni": "né\u20ac\U0001F600", "tab": "\t\n\r\f\\",
	}
	assert.Equal(t, `#
#Wed Mar 04 12:00:00 UTC 2026
eq\=\:\#\!=x\=y\:z\#\!
filename=a b.qcow2
tab=\t\n\r\f\\
uni=n\u00E9\u20AC\uD83D\uDE00
with\ space=\ lead
`, string(p.Encode(noon())))
}

func TestPropertiesAreReadAsJavaDoes(t *testing.T) {
	t.Parallel()
	p, err := ParseProperties([]byte("# comment\n! another\n\n  a=1\r\nb : 2\rc 3\nd\ne=x\\\n   y\nf\\ g = h \nk\\=1=2\nm=\\u0041\\q\nn=\xe9\no==x\nlast=\\"))
	require.NoError(t, err)
	assert.Equal(t, Properties{
		"a": "1", "b": "2", "c": "3", "d": "", "e": "xy", "f g": "h ", "k=1": "2", "m": "Aq", "n": "é", "o": "=x", "last": "",
	}, p)
	for _, bad := range []string{`a=\u12`, `a=\uzzzz`, `\u1=x`} {
		_, err := ParseProperties([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestWhatIsEncodedIsParsedBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := Properties(rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "pairs"))
		got, err := ParseProperties(p.Encode(noon()))
		require.NoError(t, err)
		require.Equal(t, p, got)
	})
}

func TestTemplatePropertiesAreWrittenTwice(t *testing.T) {
	t.Parallel()
	s, _ := newStorage(t)
	d := openDir(t, s)
	dir := TemplateDir("2", "207")
	info := TemplateInfo{UniqueName: "207-2-x", Filename: "a.qcow2", VirtualSize: 1 << 30, Size: 4096}
	require.NoError(t, d.WriteTemplateName(dir, info))
	text, err := d.ReadFile(dir + "/" + PropertiesFile)
	require.NoError(t, err)
	assert.Equal(t, "uniquename=207-2-x\nfilename=a.qcow2\n", string(text))
	_, err = d.ReadTemplateInfo(dir)
	require.Error(t, err, "sizes are not known yet")

	require.NoError(t, d.WriteTemplateInfo(dir, info, noon()))
	text, err = d.ReadFile(dir + "/" + PropertiesFile)
	require.NoError(t, err)
	assert.Equal(t, `#
#Wed Mar 04 12:00:00 UTC 2026
filename=a.qcow2
id=1
public=true
qcow2=true
qcow2.filename=a.qcow2
qcow2.size=4096
qcow2.virtualsize=1073741824
size=4096
uniquename=207-2-x
virtualsize=1073741824
`, string(text))
	got, err := d.ReadTemplateInfo(dir)
	require.NoError(t, err)
	assert.Equal(t, info, got)

	info.Size = 0
	require.Error(t, d.WriteTemplateInfo(dir, info, noon()))
	require.ErrorIs(t, d.WriteTemplateName(dir, TemplateInfo{UniqueName: "a\nid=9"}), ErrBadName)
	require.Error(t, d.WriteTemplateInfo("template/tmpl/2/208", TemplateInfo{Size: 1, VirtualSize: 1}, noon()))
}

func FuzzParseProperties(f *testing.F) {
	f.Add([]byte("a=b\\\n c\n#x\n\\u0041:1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParseProperties(data)
		if err != nil {
			return
		}
		again, err := ParseProperties(p.Encode(noon()))
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}
