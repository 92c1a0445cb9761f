package emulator

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The CSI driver reaches a cluster by its id, with and without the form for a multi-cluster (storpool-api 15).
func TestCSIVolumeLife(t *testing.T) {
	t.Parallel()
	for name, multi := range map[string]string{"one cluster": "", "multi-cluster": "MultiCluster/"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Start(t)
			a := asCloudStack(t, s)
			reassign := "RemoteCommand/~" + DefaultClusterID + "/" + multi + "VolumesReassignWait"
			gid := a.post(t, multi+"VolumeCreate", `{"template":"ssd","size":1073741824,"tags":{"csi_name":"pvc-1"}}`).text(t, "globalId")
			v := "~" + gid

			publish := `{"reassign":[{"volume":"` + v + `","rw":[3],"detach":"all","force":false}]}`
			a.post(t, reassign, publish)
			host, err := s.Host(3).Open(v)
			require.NoError(t, err)
			a.post(t, reassign, publish)
			other := `{"reassign":[{"volume":"` + v + `","rw":[4],"detach":"all","force":false}]}`
			open := a.refused(t, "POST", reassign, other, "busy")
			assert.Equal(t, "'"+v+"' is open at client 3", open.Error.Descr, "it is mounted elsewhere")
			unknown := a.refused(t, "POST", reassign, `{"reassign":[{"volume":"`+v+`","rw":[99]}]}`, "invalidParam")
			assert.Equal(t, "No such client registered", unknown.Error.Descr, "these words mean that there is no such node")
			a.refused(t, "POST", reassign, `{"reassign":[{"volume":"~spsm.b.zzz","rw":[3]}]}`, "objectDoesNotExist")
			a.refused(t, "POST", "RemoteCommand/~nowh.a/VolumesReassignWait", publish, "objectDoesNotExist")

			a.post(t, multi+"VolumeUpdate/"+v, `{"size":2147483648}`)
			size, err := host.Size()
			require.NoError(t, err)
			assert.EqualValues(t, 2<<30, size, "an expansion reaches the node at once")
			a.refused(t, "POST", multi+"VolumeUpdate/"+v, `{"size":1152921504606846976}`, "insufficientResources")
			assert.Equal(t, gid, a.get(t, multi+"VolumeGetInfo/"+v).text(t, "globalId"))
			a.refused(t, "GET", multi+"VolumeGetInfo/~spsm.b.zzz", "", "objectDoesNotExist")

			a.refused(t, "POST", multi+"VolumeDelete/"+v, "", "busy")
			require.NoError(t, host.Close())
			a.post(t, reassign, `{"reassign":[{"volume":"`+v+`","detach":[3],"force":false}]}`)
			a.post(t, reassign, `{"reassign":[{"volume":"`+v+`","detach":"all","force":false}]}`)
			a.post(t, multi+"VolumeDelete/"+v, "")
			a.refused(t, "POST", multi+"VolumeDelete/"+v, "", "objectDoesNotExist")
			a.refused(t, "POST", multi+"VolumeCreate", `{"template":"none","size":512}`, "objectDoesNotExist")
			a.refused(t, "POST", multi+"VolumeCreate", `{"template":"ssd","size":1152921504606846976}`, "insufficientResources")
			s.AssertNoLeaks(t)
		})
	}
}
