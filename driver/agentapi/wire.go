package agentapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrCommand is a command text that cannot be read.
var ErrCommand = errors.New("not a command")

// envelope is a command as text: {"Command": "ResizeVolume", "Arguments": {"Path": "/dev/storpool-byid/a.b.1", ...}}.
type envelope struct {
	Command   string
	Arguments json.RawMessage
}

// ParseCommand reads a command from JSON: its name, and its arguments by the names of the Go members. Durations are
// nanoseconds, passphrases base64. An unknown command or member is refused with [ErrCommand].
func ParseCommand(text []byte) (Command, error) {
	var e envelope
	if err := strict(text, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCommand, err)
	}
	known := parsers()
	parse := known[e.Command]
	if parse == nil {
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, fmt.Errorf("%w: there is no command %q; known are %s", ErrCommand, e.Command, strings.Join(names, ", "))
	}
	if len(e.Arguments) == 0 {
		e.Arguments = json.RawMessage("{}")
	}
	c, err := parse(e.Arguments)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCommand, e.Command, err)
	}
	return c, nil
}

// parsers are by the name of the command.
func parsers() map[string]func([]byte) (Command, error) {
	all := map[string]func([]byte) (Command, error){}
	add[ModifyStoragePool](all)
	add[BackupSnapshot](all)
	add[BackupTemplateFromSnapshot](all)
	add[CopyVolumeToSecondary](all)
	add[DownloadTemplate](all)
	add[DownloadVolume](all)
	add[ResizeVolume](all)
	add[SetVolumeEncryption](all)
	add[Start](all)
	add[Stop](all)
	add[Attach](all)
	add[Detach](all)
	add[DestroyTemplate](all)
	add[ModifyTargets](all)
	add[PrepareForMigration](all)
	add[Migrate](all)
	add[MigrateWithVolumes](all)
	add[CheckVM](all)
	add[DirectDownload](all)
	add[CreateVolume](all)
	add[DeleteVolume](all)
	add[CheckHeartbeat](all)
	return all
}

func add[C Command](to map[string]func([]byte) (Command, error)) {
	var none C
	to[none.Command()] = func(text []byte) (Command, error) {
		var c C
		err := strict(text, &c)
		return c, err
	}
}

// strict refuses unknown members and everything after the value.
func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the value")
	}
	return nil
}
