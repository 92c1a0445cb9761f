package agentapi

import (
	"encoding/base64"
	"errors"
	"log/slog"
)

// Secret is a passphrase. It prints, logs and encodes as ***; [Secret.Reveal] is the only way to its bytes.
type Secret struct{ bytes []byte }

// NewSecret keeps a copy of b.
func NewSecret(b []byte) Secret { return Secret{bytes: append([]byte(nil), b...)} }

// Reveal returns the passphrase itself.
func (s Secret) Reveal() []byte { return s.bytes }

// Empty tells whether there is no passphrase.
func (s Secret) Empty() bool { return len(s.bytes) == 0 }

// Wipe overwrites the passphrase in memory.
func (s *Secret) Wipe() {
	clear(s.bytes)
	s.bytes = nil
}

const hidden = "***"

func (Secret) String() string { return hidden }

// GoString hides the passphrase from %#v.
func (Secret) GoString() string { return hidden }

// MarshalText hides the passphrase from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// UnmarshalText reads a passphrase from base64. What an encoder has hidden is refused: nobody can get it back.
func (s *Secret) UnmarshalText(text []byte) error {
	if string(text) == hidden {
		return errors.New("the passphrase was hidden when this was written; give it in base64")
	}
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return errors.New("the passphrase is not base64") // the cause would quote it
	}
	s.bytes = raw
	return nil
}

// LogValue hides the passphrase from logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// PoolType is CloudStack's type of a primary storage pool.
type PoolType string

// The pool types in use here.
const (
	StorPool          PoolType = "StorPool"
	NetworkFilesystem PoolType = "NetworkFilesystem"
)

// Format is CloudStack's image format of an object.
type Format string

// The formats in use here. StorPool volumes carry QCOW2 in the inventory although they are raw.
const (
	QCOW2 Format = "QCOW2"
	RAW   Format = "RAW"
)

// Pool is a primary storage pool as a host knows it.
type Pool struct {
	UUID string // <SP_TEMPLATE>;<uuid>
	Type PoolType
	Host string
	Port int
	Path string
}

// Store is a secondary storage. URL has the form nfs://server/path; other schemes are not NFS and are refused by hosts.
type Store struct {
	UUID string
	URL  string
}

// Volume is the transfer object of a volume.
type Volume struct {
	UUID          string
	Name          string
	Path          string // /dev/storpool-byid/<globalId>, a path relative to a store, or empty
	Size          int64  // bytes
	Format        Format
	Pool          *Pool  // primary role
	Store         *Store // image role
	VM            string // instance name of the VM, empty when detached
	DeviceID      int
	Passphrase    Secret
	EncryptFormat string // "luks" when encrypted
}

// Snapshot is the transfer object of a volume snapshot.
type Snapshot struct {
	UUID         string
	Name         string
	Path         string
	PhysicalSize int64 // bytes on its store
	Volume       *Volume
	Pool         *Pool
	Store        *Store
}

// Template is the transfer object of a template.
type Template struct {
	UUID         string
	Name         string
	UniqueName   string
	Path         string
	Format       Format
	Size         int64 // virtual size in bytes
	PhysicalSize int64 // bytes on its store
	Pool         *Pool
	Store        *Store
}

// Disk is a disk of a VM.
type Disk struct {
	Path       string
	Pool       Pool
	DeviceID   int
	Size       int64 // bytes, as in the inventory
	Passphrase Secret
}

// VM is the specification of a VM that a host runs.
type VM struct {
	Name  string // instance name, i-2-3-VM
	UUID  string
	State string // state in the inventory; Migrating makes a host skip disk connects
	Disks []Disk
}
