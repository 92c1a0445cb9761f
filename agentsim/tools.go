package agentsim

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spsim/spsim/agentsim/image"
	"github.com/spsim/spsim/driver/agentapi"
)

// Tools move bytes between files and devices that have paths on this machine, as a real host does. Without them a host
// does it itself, in pure Go. Package hosttools has the set that calls the host's programs. With tools the quirks that
// concern formats have no effect.
type Tools interface {
	// Convert copies contents; the target is durable afterwards.
	Convert(ctx context.Context, c Conversion) error
	// FormatLUKS makes a container on a device as cryptsetup does.
	FormatLUKS(ctx context.Context, device string, passphrase []byte) error
}

// Conversion is a copy of contents from path to path.
type Conversion struct {
	Source       string
	SourceFormat image.Format // stated, never probed
	Target       string
	TargetFormat image.Format    // ignored with a key
	Key          agentapi.Secret // when there is one, the target becomes a container for it
}

// errorName marks a context; see [WantsErrorName].
type errorName struct{}

// WantsErrorName tells that a call is made by somebody who reads the name of StorPool's error and not only its text
// (agent 9.1, step 3).
func WantsErrorName(ctx context.Context) bool { return ctx.Value(errorName{}) != nil }

func withErrorName(ctx context.Context) context.Context {
	return context.WithValue(ctx, errorName{}, true)
}

// exportWithTools has the host's tools write a device into the file of an export.
func (r *run) exportWithTools(ctx context.Context, e export) (size int64, err error) {
	if size = r.host.deviceSize(ctx, e.device); size == 0 {
		return 0, fmt.Errorf("%w: %s", ErrNoDevice, e.device)
	}
	e.write = func(ctx context.Context, f image.File, _ image.Reader, _ image.Hook) error {
		out, ok := f.(lazy)
		if !ok {
			return fmt.Errorf("%w: the file has no path", ErrUnsupported)
		}
		return r.host.cfg.Tools.Convert(ctx, Conversion{
			Source: e.device, SourceFormat: image.Raw, Target: out.Name(), TargetFormat: e.format,
		})
	}
	return size, r.writeFile(ctx, e, hollow(size))
}

// restoreWithTools has the host's tools write a file onto a device.
func (r *run) restoreWithTools(ctx context.Context, f *os.File, format image.Format, device string) error {
	if r.host.deviceSize(ctx, device) == 0 {
		return fmt.Errorf("%w: %s", ErrNoDevice, device)
	}
	return r.host.cfg.Tools.Convert(ctx, Conversion{
		Source: f.Name(), SourceFormat: format, Target: device, TargetFormat: image.Raw,
	})
}

// encryptWithTools has the host's tools make a container, with the contents of the template in it if there is one.
func (r *run) encryptWithTools(ctx context.Context, v agentapi.Volume, source string) error {
	if r.host.deviceSize(ctx, v.Path) == 0 {
		return fmt.Errorf("%w: %s", ErrNoDevice, v.Path)
	}
	if source == "" {
		return r.host.cfg.Tools.FormatLUKS(ctx, v.Path, v.Passphrase.Reveal())
	}
	err := r.host.cfg.Tools.Convert(ctx, Conversion{Source: source, SourceFormat: image.Raw, Target: v.Path, Key: v.Passphrase})
	return errors.Join(err, ctx.Err())
}
