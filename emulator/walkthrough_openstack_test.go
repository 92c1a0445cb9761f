package emulator

import (
	"bytes"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/emulator/fault"
)

// Cinder and os-brick (storpool-api 15): names made of the ids of OpenStack, the client's own id as text.

func TestCinderVolumeLife(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asPython(t, s)
	const v, w = "os--volume-0b2b5cd1", "os--volume-9c7be2a4"
	a.post(t, "MultiCluster/VolumeCreate", `{"name":"`+v+`","size":1073741824,"template":"ssd","tags":{"qc":"gold"}}`)
	a.post(t, "MultiCluster/VolumeCreate", `{"name":"`+w+`","size":1073741824,"replication":2}`)
	data := bytes.Repeat([]byte("cinder--"), 1024)
	s.WriteContent(t, v, 0, data)

	const snap = "os--snap--none--snapshot-51f3c0de"
	a.post(t, "MultiCluster/VolumeSnapshot/"+v, `{"name":"`+snap+`"}`)
	a.post(t, "MultiCluster/VolumeCreate", `{"name":"os--volume-c1","parent":"`+snap+`","size":2147483648}`)
	assert.Equal(t, data, s.ReadContent(t, "os--volume-c1", 0, len(data)))

	const clone = "os--clone--none--snapshot-77aa10bb"
	a.post(t, "MultiCluster/VolumeSnapshot/"+v, `{"name":"`+clone+`"}`)
	a.post(t, "SnapshotUpdate/"+clone, `{"template":"hdd"}`)
	a.post(t, "MultiCluster/VolumeCreate", `{"name":"os--volume-c2","parent":"`+clone+`","size":1073741824}`)
	a.post(t, "SnapshotUpdate/"+clone, `{"tags":{"transient":"1.0"}}`)
	entry := a.get(t, "MultiCluster/Volume/os--volume-c2").list(t)[0]
	assert.Equal(t, "hdd", entry["templateName"], "a clone follows the template of its source")
	assert.Equal(t, data, s.ReadContent(t, "os--volume-c2", 0, len(data)))
	a.refused(t, "POST", "MultiCluster/VolumeSnapshot/"+v, `{"name":"`+clone+`"}`, "objectExists")

	for _, step := range [][2]string{{v, "os--volume-tmp"}, {w, v}, {"os--volume-tmp", w}} {
		a.post(t, "MultiCluster/VolumeUpdate/"+step[0], `{"rename":"`+step[1]+`"}`)
	}
	assert.Equal(t, data, s.ReadContent(t, w, 0, len(data)), "three renames swap two volumes")
	a.post(t, "MultiCluster/VolumeRevert/"+w, `{"toSnapshot":"`+snap+`"}`)

	for _, name := range []string{v, w, "os--volume-c1", "os--volume-c2"} {
		a.post(t, "MultiCluster/VolumesReassign", `[{"volume":"`+name+`","detach":"all"}]`)
		a.post(t, "MultiCluster/VolumeDelete/"+name, "")
		a.refused(t, "POST", "MultiCluster/VolumeDelete/"+name, "", "objectDoesNotExist")
	}
	for _, name := range []string{snap, clone} {
		a.post(t, "MultiCluster/VolumesReassign", `[{"snapshot":"`+name+`","detach":"all"}]`)
		a.post(t, "MultiCluster/SnapshotDelete/"+name, "")
	}
	s.AssertNoLeaks(t)
}

func TestCinderStatistics(t *testing.T) {
	t.Parallel()
	a := asPython(t, Start(t))
	var names []string
	for _, template := range a.get(t, "VolumeTemplatesList").list(t) {
		names = append(names, fmt.Sprint(template["name"]))
	}
	assert.ElementsMatch(t, []string{"hdd", "ssd", "hybrid"}, names, "each template is a pool")
	for id, d := range a.get(t, "DisksList").object(t) {
		disk, ok := d.(map[string]any)
		require.True(t, ok)
		groups, err := strconv.ParseInt(fmt.Sprint(disk["agCount"]), 10, 64)
		require.NoError(t, err)
		free, err := strconv.ParseInt(fmt.Sprint(disk["agFree"]), 10, 64)
		require.NoError(t, err)
		assert.Equal(t, "-1", fmt.Sprint(disk["generationLeft"]))
		assert.True(t, 0 < free && free <= groups, "disk %s: %d of %d allocation groups are free", id, free, groups)
	}
}

func TestOSBrickConnectsAndDisconnects(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asPython(t, s)
	const v = "os--volume-1"
	const reassign = "MultiCluster/VolumesReassignWait"
	gid := a.post(t, "MultiCluster/VolumeCreate", `{"name":"`+v+`","size":1048576,"template":"ssd"}`).text(t, "globalId")
	a.post(t, reassign, `{"reassign":[{"volume":"`+v+`","rw":["3"]}]}`)
	attached := a.get(t, "MultiCluster/AttachmentsList").list(t)
	assert.Len(t, attached, 1)
	host, err := s.Host(3).Open("/dev/storpool-byid/" + gid)
	require.NoError(t, err)
	detach := func(force bool) string {
		return fmt.Sprintf(`{"reassign":[{"volume":"~%s","detach":["3"],"force":%t}]}`, gid, force)
	}
	for range 9 {
		open := a.refused(t, "POST", reassign, detach(false), "busy")
		assert.Contains(t, open.Error.Descr, "is open at", "the words that os-brick looks for")
	}
	a.post(t, reassign, detach(true))
	assert.Empty(t, a.get(t, "MultiCluster/AttachmentsList").list(t))
	_, err = host.ReadAt(make([]byte, 512), 0)
	assert.Error(t, err, "the device is gone from under its user")
}

func TestOSBrickEncodesItsBodyAgainWhenItTriesAgain(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asPython(t, s)
	_, err := s.Arm(fault.Rule{Call: "POST VolumeCreate", Effect: fault.Effect{Kind: fault.Transient, Error: "busy"}})
	require.NoError(t, err)
	const body = `{"name":"v","size":1048576,"template":"ssd"}`
	first := a.do(t, "POST", "MultiCluster/VolumeCreate", body)
	require.NotNil(t, first.Error)
	assert.True(t, first.Error.Transient)
	assert.Equal(t, "v", a.post(t, "MultiCluster/VolumeCreate", strconv.Quote(body)).text(t, "name"))
}

func TestCinderExportsOverISCSI(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asPython(t, s)
	const v, host = "os--volume-u", "iqn.2020-01.com.example:host"
	a.post(t, "MultiCluster/VolumeCreate", `{"name":"`+v+`","size":1048576,"template":"ssd"}`)
	order := func(commands string) { a.post(t, "iSCSIConfig", `{"commands":[`+commands+`]}`) }
	order(`{"setBaseName":{"name":"iqn.2019-08.com.storpool:cl"}},{"createPortalGroup":{"name":"pg1"}},` +
		`{"portalGroupAddNetwork":{"portalGroup":"pg1","net":"10.0.0.1/24"}},` +
		`{"createPortal":{"portalGroup":"pg1","controller":1,"ip":"10.0.0.2","port":3260}}`)
	order(`{"createInitiator":{"name":"` + host + `","username":"","secret":""}},` +
		`{"initiatorAddNetwork":{"initiator":"` + host + `","net":"0.0.0.0/0"}}`)
	order(`{"createTarget":{"volumeName":"` + v + `"}}`)
	config, ok := a.get(t, "iSCSIConfig").object(t)["iscsi"].(map[string]any)
	require.True(t, ok)
	target := entryOf(t, config["targets"], "1")
	assert.Equal(t, "iqn.2019-08.com.storpool:cl:"+v, target["name"])
	group := entryOf(t, config["portalGroups"], "1")
	assert.Equal(t, "10.0.0.1", entryOf(t, group["networks"], "0")["address"], "Cinder hands this address to the host")
	order(`{"export":{"initiator":"` + host + `","portalGroup":"pg1","volumeName":"` + v + `"}}`)
	config, ok = a.get(t, "iSCSIConfig").object(t)["iscsi"].(map[string]any)
	require.True(t, ok)
	export := entryOf(t, entryOf(t, config["initiators"], "1")["exports"], "0")
	assert.Equal(t, map[string]any{"portalGroup": "pg1", "target": target["name"]}, export)

	order(`{"exportDelete":{"initiator":"` + host + `","portalGroup":"pg1","volumeName":"` + v + `"}}`)
	order(`{"deleteTarget":{"volumeName":"` + v + `"}}`)
	again := a.do(t, "POST", "iSCSIConfig",
		`{"commands":[{"exportDelete":{"initiator":"`+host+`","portalGroup":"pg1","volumeName":"`+v+`"}}]}`)
	require.NotNil(t, again.Error)
	assert.Contains(t, []string{"objectExists", "objectDoesNotExist"}, again.Error.Name, "Cinder takes both for done")
	again = a.do(t, "POST", "iSCSIConfig", `{"commands":[{"deleteTarget":{"volumeName":"`+v+`"}}]}`)
	require.NotNil(t, again.Error)
	assert.Contains(t, []string{"invalidParam", "objectDoesNotExist"}, again.Error.Name, "Cinder takes both for done")
	a.post(t, "MultiCluster/VolumeDelete/"+v, "")
}

// entryOf is an entry of a map by its key, or of an array by its number.
func entryOf(t *testing.T, of any, key string) map[string]any {
	t.Helper()
	var entry any
	switch of := of.(type) {
	case map[string]any:
		entry = of[key]
	case []any:
		i, err := strconv.Atoi(key)
		require.NoError(t, err)
		require.Greater(t, len(of), i)
		entry = of[i]
	}
	out, ok := entry.(map[string]any)
	require.True(t, ok, "%s of %v", key, of)
	return out
}

func TestCinderClonesInTheSameTemplateTakeNoRoom(t *testing.T) {
	t.Parallel()
	s := Start(t)
	a := asPython(t, s)
	const v, snap, clone = "os--volume-1", "os--snap--none--snapshot-1", "os--volume-2"
	stored := func(name string) string {
		t.Helper()
		return fmt.Sprint(named(t, a.get(t, "VolumesSpace").list(t), name)["storedSize"])
	}
	a.post(t, "VolumeCreate", `{"name":"`+v+`","size":1073741824,"template":"ssd"}`)
	data := bytes.Repeat([]byte("cinder--"), 1<<17)
	s.WriteContent(t, v, 0, data)
	template := func() string {
		t.Helper()
		return fmt.Sprint(named(t, a.get(t, "VolumeTemplatesStatus").list(t), "ssd")["storedSize"])
	}
	require.Equal(t, "1048576", template())
	a.post(t, "VolumeSnapshot/"+v, `{"name":"`+snap+`"}`)
	a.post(t, "VolumeCreate", `{"name":"`+clone+`","parent":"`+snap+`","size":2147483648,"template":"ssd"}`)
	assert.Equal(t, "0", stored(clone))
	assert.Equal(t, "1048576", template())
	assert.Equal(t, data, s.ReadContent(t, clone, 0, len(data)))
	s.WriteContent(t, clone, 0, data[:4096])
	assert.Equal(t, "4096", stored(clone), "what is its own takes room")
}
