package agentsim

import (
	"bytes"
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/agentsim/secondary"
	"github.com/spsim/spsim/driver/agentapi"
	"github.com/spsim/spsim/driver/spapi"
)

func (s *storpool) VolumeCreate(_ context.Context, r spapi.VolumeCreate, _ *spapi.Again[spapi.VolumeCreated]) (out spapi.VolumeCreated, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("create", ""); err != nil {
		return out, err
	}
	gid := "new." + strconv.Itoa(len(s.calls))
	s.objects["~"+gid] = &object{data: make([]byte, r.Size), on: map[int]bool{}, open: map[int]int{}, tags: r.Tags}
	return spapi.VolumeCreated{GlobalID: gid, Name: "~" + gid}, nil
}

func (s *storpool) VolumeSnapshot(_ context.Context, v string, r spapi.VolumeSnapshot, _ *spapi.Again[spapi.SnapshotCreated]) (out spapi.SnapshotCreated, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("snapshot", v); err != nil {
		return out, err
	}
	o := s.objects[v]
	if o == nil {
		return out, missing(v)
	}
	gid := "snap." + strconv.Itoa(len(s.calls))
	s.objects["~"+gid] = &object{data: bytes.Clone(o.data), snapshot: true, on: map[int]bool{}, open: map[int]int{}, tags: r.Tags}
	return spapi.SnapshotCreated{SnapshotGlobalID: gid}, nil
}

func (s *storpool) VolumeDelete(_ context.Context, v string, _ spapi.VolumeDelete) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("delete", v); err != nil {
		return err
	}
	o := s.objects[v]
	if o == nil {
		return missing(v)
	}
	if len(o.on) > 0 {
		return &spapi.Error{Name: spapi.NameBusy, Descr: v + " is attached"}
	}
	delete(s.objects, v)
	return nil
}

// names are those of all objects.
func (s *storpool) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.objects))
	for name := range s.objects {
		out = append(out, name)
	}
	return out
}

const words = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/"

func key() agentapi.Secret { return agentapi.NewSecret([]byte(words)) }

// plaintext opens the only layer of a device's contents.
func plaintext(t *testing.T, data []byte) []byte {
	t.Helper()
	c, layers, err := luks.Unwrap(context.Background(), bytes.NewReader(data), int64(len(data)), []byte(words), luks.Options{})
	require.NoError(t, err)
	require.Equal(t, 1, layers, "layers of encryption")
	out := make([]byte, c.Size())
	_, err = c.ReadAt(out, 0)
	require.NoError(t, err)
	return out
}

// encryptedVolume adds a volume that has been encrypted as a data volume and holds data.
func (b *bench) encryptedVolume(t *testing.T, gid string, data []byte) string {
	t.Helper()
	path := b.sp.add(gid, make([]byte, int64(len(data))+luks.CryptsetupOffset), false)
	ans := b.send(t, agentapi.SetVolumeEncryption{
		Volume: agentapi.Volume{Name: "v", Path: path, Size: int64(len(data)), Passphrase: key()}, DataDisk: true,
	})
	require.True(t, ans.OK, ans.Details)
	o := b.sp.get(path)
	c, err := luks.Open(context.Background(), target{o}, int64(len(o.data)), []byte(words), luks.Options{})
	require.NoError(t, err)
	_, err = c.WriteAt(data, 0)
	require.NoError(t, err)
	return path
}

type target struct{ *object }

func (o target) ReadAt(p []byte, off int64) (int, error) { return copy(p, o.data[off:]), nil }

func (o target) WriteAt(p []byte, off int64) (int, error) { return copy(o.data[off:], p), nil }

// snapshotOf adds a snapshot with the contents of a volume.
func (b *bench) snapshotOf(gid, volume string) string {
	return b.sp.add(gid, bytes.Clone(b.sp.get(volume).data), true)
}

// contentsOf reads a file of an export as an image.
func (b *bench) contentsOf(t *testing.T, uri, name string, format image.Format) []byte {
	t.Helper()
	d, err := b.sec.Open(uri)
	require.NoError(t, err)
	defer func() { _ = d.Close() }()
	f, length, err := d.Open(name)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	img, err := image.OpenReader(f, length, format)
	require.NoError(t, err)
	out := make([]byte, img.Size())
	_, err = img.ReadAt(out, 0)
	require.NoError(t, err)
	return out
}

// read reads a whole disk as its guest does.
func read(t *testing.T, d *GuestDisk) []byte {
	t.Helper()
	p := make([]byte, d.Size())
	_, err := d.ReadAt(p, 0)
	require.NoError(t, err)
	return p
}

// sendTo sends a command to any host and wants an answer.
func (b *bench) sendTo(t *testing.T, host string, cmd agentapi.Command) (ans *agentapi.Answer) {
	t.Helper()
	b.clock.Run(func() {
		var err error
		ans, err = b.Send(context.Background(), host, cmd)
		require.NoError(t, err)
	})
	return ans
}

// exportPool makes the folder of an NFS pool.
func (b *bench) exportPool(t *testing.T) agentapi.Pool {
	t.Helper()
	p := agentapi.Pool{UUID: "files", Type: agentapi.NetworkFilesystem, Host: "nas", Path: "/primary"}
	d, err := b.sec.Export(poolURI(p))
	require.NoError(t, err)
	require.NoError(t, d.Close())
	return p
}

// put writes a qcow2 file to an export.
func (b *bench) put(t *testing.T, uri, name string, data []byte) {
	t.Helper()
	d, err := b.sec.Open(uri)
	require.NoError(t, err)
	defer func() { _ = d.Close() }()
	o, err := d.Create(name, secondary.Write{})
	require.NoError(t, err)
	im, err := image.Create(o, image.Qcow2, int64(len(data)), image.Options{})
	require.NoError(t, err)
	_, err = im.WriteAt(data, 0)
	require.NoError(t, err)
	require.NoError(t, im.Flush())
	require.NoError(t, o.Commit())
}

const second = time.Second

// sendWhile is askWhile for a command that is answered.
func (b *bench) sendWhile(t *testing.T, cmd agentapi.Command, after time.Duration, do func()) *agentapi.Answer {
	t.Helper()
	ans := b.askWhile(t, cmd, after, do)
	require.NotNil(t, ans)
	return ans
}

// askWhile sends a command to the first host and does something so much later. Both begin at the same moment.
func (b *bench) askWhile(t *testing.T, cmd agentapi.Command, after time.Duration, do func()) (ans *agentapi.Answer) {
	t.Helper()
	b.clock.Run(func() {
		b.clock.Go(func() {
			if b.clock.Sleep(context.Background(), after) == nil {
				do()
			}
		})
		var err error
		ans, err = b.Send(context.Background(), "host-1", cmd)
		require.NoError(t, err)
	})
	return ans
}
