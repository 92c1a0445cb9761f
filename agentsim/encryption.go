package agentsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/agentsim/luks"
	"github.com/spsim/spsim/driver/agentapi"
)

// cachedContainers is how many containers a fleet opens without deriving their keys again.
const cachedContainers = 256

// luksFormat is the word for an encrypted volume (agent 9.8).
const luksFormat = "luks"

// Encryption is how hosts make LUKS containers (agent 12).
type Encryption struct {
	// Iterations of PBKDF2; 0 means luks.DefaultIterations. Simulations take luks.MinIterations.
	Iterations int
	// Random gives keys and salts; crypto/rand when nil. Reads from it are serialised.
	Random io.Reader
	// Limits bounds what opening a container may cost.
	Limits luks.Limits
	// Cache remembers derived keys; one of the fleet's own when nil.
	Cache *luks.Cache
}

// vault is what a fleet shares for encryption.
type vault struct {
	Encryption
	cache *luks.Cache
}

func newVault(e Encryption) vault {
	if e.Random != nil {
		e.Random = &serial{from: e.Random}
	}
	if e.Cache == nil {
		e.Cache = luks.NewCache(cachedContainers)
	}
	return vault{Encryption: e, cache: e.Cache}
}

// unlock is how a fleet opens containers.
func (f *Fleet) unlock() luks.Options {
	return luks.Options{Limits: f.vault.Limits, Cache: f.vault.cache}
}

// params is how a fleet makes a container whose payload begins at offset.
func (f *Fleet) params(offset int64) luks.Params {
	return luks.Params{
		PayloadOffset: offset, Iterations: f.vault.Iterations, Random: f.vault.Random, Cache: f.vault.cache,
	}
}

// serial lets several goroutines read one source.
type serial struct {
	mu   sync.Mutex
	from io.Reader
}

func (s *serial) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from.Read(p)
}

// Encrypts tells whether the host can run encrypted volumes; it is the host detail host.volume.encryption (agent 12).
func (h *Host) Encrypts() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.cfg.NoEncryption
}

// SetEncryption installs the tools for encrypted volumes, or removes them. What is open stays open.
func (h *Host) SetEncryption(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cfg.NoEncryption = !on
}

// needEncryption refuses encrypted volumes where the tools for them are missing.
func (h *Host) needEncryption() error {
	if h.Encrypts() {
		return nil
	}
	return fmt.Errorf("%w: host %s has no encryption support", ErrUnsupported, h.cfg.Name)
}

// sealed is an encrypted device as its guest sees it: QEMU opens the container, never dm-crypt (agent 12).
type sealed struct {
	*luks.Container
	under Device
}

// seal opens the container on a device.
func (h *Host) seal(ctx context.Context, d Device, key agentapi.Secret) (Device, error) {
	if err := h.needEncryption(); err != nil {
		return nil, err
	}
	size, err := d.Size()
	if err != nil {
		return nil, err
	}
	c, err := luks.Open(ctx, d, size, key.Reveal(), h.fleet.unlock())
	if err != nil {
		return nil, err
	}
	return &sealed{Container: c, under: d}, nil
}

// Size follows the device without its header.
func (s *sealed) Size() (int64, error) {
	size, err := s.under.Size()
	if err != nil {
		return 0, err
	}
	if err := s.Resize(size); err != nil {
		return 0, err
	}
	return s.Container.Size(), nil
}

// Discard does nothing: QEMU passes no discard through a container.
func (s *sealed) Discard(int64, int64) error { return nil }

// NextData is the whole container: holes below it do not read as zeros.
func (s *sealed) NextData(off int64) (from, to int64, err error) { return s.Container.NextData(off) }

func (s *sealed) Close() error { return errors.Join(s.Container.Close(), s.under.Close()) }

// encrypted tells whether a guest's disk is a container.
func (d *GuestDisk) encrypted() bool {
	d.flow.RLock()
	defer d.flow.RUnlock()
	_, ok := d.device.(*sealed)
	return ok
}

// room is what the disk's device holds now, in bytes, without a header.
func (d *GuestDisk) room() (int64, error) {
	d.flow.RLock()
	defer d.flow.RUnlock()
	return d.device.Size()
}

// payloadSize is what a guest is told after its device has been resized: of an encrypted one what the header leaves.
func payloadSize(d *GuestDisk, requested int64) (int64, error) {
	if !d.encrypted() {
		return requested, nil
	}
	return d.room()
}

// requestedSize is A-11: the size of the request is asked for, header or not.
func requestedSize(d *GuestDisk, requested int64) (int64, error) {
	room, err := d.room()
	if err == nil && d.encrypted() && requested > room {
		err = fmt.Errorf("blockresize: %d bytes do not fit into %d", requested, room)
	}
	return requested, err
}

// secrets are the passphrases that libvirt holds on a host, by device path.
type secrets map[string]agentapi.Secret

// defineSecret keeps a passphrase for a disk; an empty one changes nothing.
func (h *Host) defineSecret(d agentapi.Disk) {
	if d.Passphrase.Empty() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	old := h.secrets[d.Path]
	old.Wipe()
	h.secrets[d.Path] = agentapi.NewSecret(d.Passphrase.Reveal())
}

// removeSecret wipes the passphrase of a disk.
func (h *Host) removeSecret(path string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.secrets[path]
	s.Wipe()
	delete(h.secrets, path)
}

// removeSecrets wipes the passphrases of several disks.
func (h *Host) removeSecrets(paths []string) {
	for _, path := range paths {
		h.removeSecret(path)
	}
}

// secret is a copy of the passphrase of a disk, empty when there is none. The caller wipes it.
func (h *Host) secret(path string) agentapi.Secret {
	h.mu.Lock()
	defer h.mu.Unlock()
	return agentapi.NewSecret(h.secrets[path].Reveal())
}

// ciphertextAsItIs is how an encrypted source is written: byte-identical, in a qcow2 file.
func ciphertextAsItIs(*Host, agentapi.Secret) layout { return as(image.Qcow2) }

// encryptAgain is A-2: the ciphertext is encrypted a second time, into a raw container that is not thin.
func encryptAgain(h *Host, key agentapi.Secret) layout {
	return func(ctx context.Context, f image.File, src image.Reader, hook image.Hook) error {
		size := src.Size() + luks.QemuOffset
		if _, err := image.Create(f, image.Raw, size, image.Options{}); err != nil {
			return err
		}
		dst, err := luks.Format(ctx, f, size, key.Reveal(), h.fleet.params(luks.QemuOffset))
		if err != nil {
			return err
		}
		_, err = image.Convert(ctx, dst, src, hook)
		return errors.Join(err, dst.Close())
	}
}
