package emulator

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proxmox is the storage plugin of Proxmox (storpool-api 15): its id is text, its lists are bare arrays.
type proxmox struct {
	*api
	t     *testing.T
	ourID string
}

// alloc makes a disk of a VM and returns its name.
func (p *proxmox) alloc(size int64, tags string) string {
	p.t.Helper()
	p.everything()
	gid := p.post(p.t, "VolumeCreate", fmt.Sprintf(`{"template":"hybrid","size":%d,"tags":%s}`, size, tags)).text(p.t, "globalId")
	return p.one("Volume/~" + gid)["name"].(string)
}

// one is the only entry of a list.
func (p *proxmox) one(path string) map[string]any {
	p.t.Helper()
	list := p.get(p.t, path).list(p.t)
	require.Len(p.t, list, 1, "the plugin fails unless there is exactly one")
	return list[0]
}

// everything is the list of volumes and snapshots by name.
func (p *proxmox) everything() map[string]map[string]any {
	p.t.Helper()
	out := map[string]map[string]any{}
	volumes, ok := p.get(p.t, "VolumesAndSnapshotsList").object(p.t)["volumes"].([]any)
	require.True(p.t, ok)
	for _, v := range volumes {
		entry, ok := v.(map[string]any)
		require.True(p.t, ok)
		for _, member := range []string{"name", "globalId", "snapshot", "size", "storedSize"} {
			assert.Contains(p.t, entry, member)
		}
		assert.IsType(p.t, map[string]any{}, entry["tags"], "tags are an object in every entry")
		out[fmt.Sprint(entry["name"])] = entry
	}
	return out
}

// sizeOf reads a size as the plugin does, which takes plain digits only.
func (p *proxmox) sizeOf(path string) string {
	p.t.Helper()
	r := p.get(p.t, path)
	entry, ok := r.Data.(map[string]any)
	if !ok {
		entry = r.list(p.t)[0]
	}
	size := fmt.Sprint(entry["size"])
	assert.Regexp(p.t, `^\d+$`, size)
	return size
}

func (p *proxmox) reassign(format string, args ...any) {
	p.t.Helper()
	p.post(p.t, "VolumesReassignWait", fmt.Sprintf(format, args...))
}

func TestProxmoxDiskLife(t *testing.T) {
	t.Parallel()
	for _, wire := range []string{"Perl", "escaped paths", "HTTP/1.0"} {
		t.Run(wire, func(t *testing.T) {
			t.Parallel()
			s := Start(t)
			p := &proxmox{api: wires()[wire](t, s), t: t, ourID: "3"}
			assert.Equal(t, "hybrid", p.get(t, "VolumeTemplateDescribe/hybrid").object(t)["name"])
			v := p.alloc(1<<30, `{"virt":"pve","pve":"store","pve-type":"images","pve-vm":"100","pve-disk":"0","pve-base":"0"}`)
			assert.Equal(t, "1073741824", p.sizeOf("VolumeDescribe/"+v))

			p.reassign(`[{"volume":%q,"rw":[%q],"detach":"all","force":true}]`, v, p.ourID)
			host, err := s.Host(3).Open(v)
			require.NoError(t, err)
			before := bytes.Repeat([]byte("before"), 1024)
			_, err = host.WriteAt(before, 8192)
			require.NoError(t, err)
			p.reassign(`[{"volume":%q,"rw":[%q],"detach":"all","force":true}]`, v, p.ourID)
			_, err = host.WriteAt(before, 8192)
			assert.NoError(t, err, "attaching again does not disturb")

			p.post(t, "VolumeUpdate/"+v, `{"size":2147483648}`)
			assert.Equal(t, "ok", p.one("ClientConfigWait/" + p.ourID)["configStatus"])
			size, err := host.Size()
			require.NoError(t, err)
			assert.EqualValues(t, 2<<30, size)

			snap := "~" + p.post(t, "VolumeSnapshot/"+v, `{"tags":{"virt":"pve","pve-snap":"one","pve-snap-v":"`+v[1:]+`"}}`).
				text(t, "snapshotGlobalId")
			all := p.everything()
			assert.Equal(t, true, all[snap]["snapshot"])
			assert.Equal(t, false, all[v]["snapshot"])
			assert.Equal(t, "8192", fmt.Sprint(all[snap]["storedSize"]))
			assert.Equal(t, map[string]any{"virt": "pve", "pve-snap": "one", "pve-snap-v": v[1:]}, all[snap]["tags"])
			assert.Equal(t, "2147483648", p.sizeOf("Snapshot/"+snap))

			_, err = host.WriteAt(bytes.Repeat([]byte("after-"), 1024), 8192)
			require.NoError(t, err)
			require.NoError(t, host.Close())
			p.post(t, "VolumeUpdate/"+v, `{"sizeAdd":512}`)
			named(t, p.get(t, "SnapshotsList").list(t), snap)
			p.reassign(`[{"volume":%q,"detach":"all","force":false}]`, v)
			p.reassign(`[{"volume":%q,"detach":"all","force":false}]`, v)
			p.post(t, "VolumeRevert/"+v, `{"toSnapshot":"`+snap+`","revertSize":true}`)
			assert.Equal(t, "2147483648", p.sizeOf("VolumeDescribe/"+v))
			assert.Equal(t, before, s.ReadContent(t, cref(v), 8192, len(before)))

			p.reassign(`[{"volume":%q,"detach":"all","force":false}]`, v)
			p.post(t, "VolumeDelete/"+v, "{}")
			named(t, p.get(t, "SnapshotsList").list(t), snap)
			p.post(t, "SnapshotDelete/"+snap, "{}")
			assert.Empty(t, p.everything())
			s.AssertNoLeaks(t)
		})
	}
}

func TestProxmoxBaseImageAndClones(t *testing.T) {
	t.Parallel()
	s := Start(t)
	p := &proxmox{api: asPerl(t, s), t: t, ourID: "3"}
	origin := p.alloc(1<<20, `{"virt":"pve","pve-vm":"9000","pve-base":"0"}`)
	image := bytes.Repeat([]byte("base"), 4096)
	s.WriteContent(t, cref(origin), 0, image)
	p.one("Volume/" + origin)
	base := "~" + p.post(t, "VolumeSnapshot/"+origin, `{"tags":{"virt":"pve","pve-vm":"9000","pve-base":"1"}}`).
		text(t, "snapshotGlobalId")
	assert.Equal(t, base, p.one("Snapshot/" + base)["name"])
	p.reassign(`[{"volume":%q,"detach":"all","force":false}]`, origin)
	p.post(t, "VolumeDelete/"+origin, "{}")

	linked := "~" + p.post(t, "VolumeCreate", `{"parent":"`+base+`","tags":{"virt":"pve","pve-vm":"101"}}`).text(t, "globalId")
	entry := p.one("Volume/" + linked)
	assert.Equal(t, map[string]any{"virt": "pve", "pve-vm": "101"}, entry["tags"], "the plugin sends all tags again")
	assert.Equal(t, base, entry["parentName"])
	assert.Equal(t, "1048576", fmt.Sprint(entry["size"]), "the size is the source's")
	copied := "~" + p.post(t, "VolumeCreate", `{"baseOn":"`+linked+`","tags":""}`).text(t, "globalId")
	assert.Empty(t, p.one("Volume/" + copied)["tags"])

	p.post(t, "SnapshotDelete/"+base, "{}")
	for _, v := range []string{linked, copied} {
		assert.Equal(t, image, s.ReadContent(t, cref(v), 0, len(image)), "clones outlive their base")
		p.post(t, "VolumeDelete/"+v, "{}")
	}
	s.AssertNoLeaks(t)
}

func TestProxmoxMigratesAVMAndReadsTheStatus(t *testing.T) {
	t.Parallel()
	s := Start(t)
	p := &proxmox{api: asPerl(t, s), t: t, ourID: "3"}
	v := p.alloc(1<<20, `{}`)
	p.reassign(`[{"volume":%q,"rw":["3"]}]`, v)
	p.reassign(`[{"volume":%q,"rw":["4"]}]`, v)
	assert.Len(t, p.get(t, "AttachmentsList").list(t), 2, "both write during a live migration")
	p.reassign(`[{"volume":%q,"detach":["3"],"force":false}]`, v)
	left := p.get(t, "AttachmentsList").list(t)
	require.Len(t, left, 1)
	assert.Equal(t, "4", fmt.Sprint(left[0]["client"]))

	snap := "~" + p.post(t, "VolumeSnapshot/"+v, `{"tags":{"pve-snap":"veeam"}}`).text(t, "snapshotGlobalId")
	p.reassign(`[{"snapshot":%q,"rw":["3"]}]`, snap)
	attached := p.get(t, "AttachmentsList").list(t)
	require.Len(t, attached, 2)
	assert.Equal(t, "ro", attached[1]["rights"], "a snapshot is read, whatever is asked")

	status := named(t, p.get(t, "VolumeTemplatesStatus").list(t), "hybrid")
	stored, ok := status["stored"].(map[string]any)
	require.True(t, ok)
	for _, figure := range []string{"free", "capacity"} {
		assert.Regexp(t, `^[1-9]\d*$`, fmt.Sprint(stored[figure]))
	}
	unknown := p.refused(t, "GET", "ClientConfigWait/99", "", "objectDoesNotExist")
	assert.NotEmpty(t, unknown.Error.Descr, "the plugin dies with these words")
	p.get(t, "ServicesList")
}

// A backup program reads a disk at another node while its VM is started here: it goes on to read, and never writes.
func TestProxmoxLeavesAReadersAttachmentAsItIs(t *testing.T) {
	t.Parallel()
	s := Start(t)
	p := &proxmox{api: asPerl(t, s), t: t, ourID: "3"}
	v := p.alloc(1<<20, `{"virt":"pve","pve-vm":"100"}`)
	s.WriteContent(t, cref(v), 0, []byte("kept"))
	p.reassign(`[{"volume":%q,"ro":["4"]}]`, v)
	reader, err := s.Host(4).Open(v)
	require.NoError(t, err)

	p.reassign(`[{"volume":%q,"rw":[%q]}]`, v, p.ourID)
	assert.ElementsMatch(t, []string{"3 rw", "4 ro"}, rightsOf(t, p.api))
	_, err = reader.WriteAt([]byte("lost"), 0)
	require.Error(t, err, "who may read does not write because somebody else does")
	p.refused(t, "POST", "VolumesReassignWait", fmt.Sprintf(`[{"volume":%q,"rw":[%q],"detach":"all","force":false}]`, v, p.ourID), "busy")
	assert.ElementsMatch(t, []string{"3 rw", "4 ro"}, rightsOf(t, p.api), "an open device is not taken away without force")
	assert.Equal(t, []byte("kept"), s.ReadContent(t, cref(v), 0, 4))

	p.reassign(`[{"volume":%q,"rw":[%q],"detach":"all","force":true}]`, v, p.ourID)
	assert.Equal(t, []string{"3 rw"}, rightsOf(t, p.api))
	_, err = reader.ReadAt(make([]byte, 512), 0)
	assert.Error(t, err, "with force it is gone, as the documentation says")
}

// rightsOf lists who has something attached, as "client rights".
func rightsOf(t *testing.T, a *api) (out []string) {
	t.Helper()
	for _, e := range a.get(t, "AttachmentsList").list(t) {
		out = append(out, fmt.Sprint(e["client"])+" "+fmt.Sprint(e["rights"]))
	}
	return out
}

// Both have a VM 100 with a disk 0; the tag of the store tells whose it is.
func TestTwoProxmoxesWithEqualVMsShareAStorPool(t *testing.T) {
	t.Parallel()
	s := Start(t)
	p := &proxmox{api: asPerl(t, s), t: t, ourID: "3"}
	tags := func(store string) string {
		return `{"virt":"pve","pve":"` + store + `","pve-type":"images","pve-vm":"100","pve-disk":"0"}`
	}
	ours, theirs := p.alloc(1<<20, tags("ours")), p.alloc(1<<20, tags("theirs"))
	require.NotEqual(t, ours, theirs, "their tags do not make them one")
	s.WriteContent(t, cref(theirs), 0, []byte("theirs"))
	p.reassign(`[{"volume":%q,"rw":["4"]}]`, theirs)

	found := map[string][]string{}
	for name, entry := range p.everything() {
		of, ok := entry["tags"].(map[string]any)
		require.True(t, ok)
		found[fmt.Sprint(of["pve"])] = append(found[fmt.Sprint(of["pve"])], name)
	}
	assert.Equal(t, map[string][]string{"ours": {ours}, "theirs": {theirs}}, found)

	p.post(t, "VolumeUpdate/"+ours, `{"size":2097152,"tags":{"pve-disk":"1"}}`)
	p.reassign(`[{"volume":%q,"detach":"all","force":true}]`, ours)
	p.post(t, "VolumeDelete/"+ours, "{}")
	left := p.one("Volume/" + theirs)
	assert.Equal(t, "1048576", fmt.Sprint(left["size"]))
	assert.Equal(t, map[string]any{"virt": "pve", "pve": "theirs", "pve-type": "images", "pve-vm": "100", "pve-disk": "0"}, left["tags"])
	assert.Equal(t, []string{"4 rw"}, rightsOf(t, p.api))
	assert.Equal(t, []byte("theirs"), s.ReadContent(t, cref(theirs), 0, 6))
}
