package hosttools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spsim/spsim/agentsim"
)

var _ agentsim.Tools = (*Programs)(nil)

// Convert copies contents with qemu-img. The format of the source is always stated, so that nothing is probed, and the
// target is durable afterwards.
func (p *Programs) Convert(ctx context.Context, c agentsim.Conversion) error {
	source := "driver=" + string(c.SourceFormat) + ",file.filename=" + escape(p.device(c.Source))
	c.Target = p.device(c.Target)
	if c.Key.Empty() {
		return p.convert(ctx, c.Target, "-O", string(c.TargetFormat), "-U", "--image-opts", source, c.Target)
	}
	return p.withKey(c.Key.Reveal(), func(file string) error {
		args := []string{"-O", "luks", "-o", p.luksOptions(), "-U", "--image-opts", source}
		return p.convert(ctx, c.Target, append(args, "--object", "secret,file="+escape(file)+",id=sec1", c.Target)...)
	})
}

func (p *Programs) luksOptions() string {
	if p.Iterations == 0 {
		return "key-secret=sec1"
	}
	return "key-secret=sec1,iter-time=1"
}

func (p *Programs) convert(ctx context.Context, target string, args ...string) error {
	if _, err := p.Run(ctx, "qemu-img", append([]string{"convert"}, args...)...); err != nil {
		return err
	}
	f, err := os.OpenFile(target, os.O_RDWR, 0) //nolint:gosec // what qemu-img has just written
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// escape doubles the commas of a file name, which part the options of QEMU.
func escape(name string) string { return strings.ReplaceAll(name, ",", ",,") }

// FormatLUKS makes a container with cryptsetup (agent 9.8).
func (p *Programs) FormatLUKS(ctx context.Context, device string, passphrase []byte) error {
	return p.withKey(passphrase, func(file string) error {
		args := []string{"luksFormat", "-q", "--force-password", "--key-file", file, "--type", "luks1"}
		if p.Iterations != 0 {
			args = append(args, "--pbkdf-force-iterations", strconv.Itoa(p.Iterations))
		}
		_, err := p.Run(ctx, "cryptsetup", append(args, p.device(device))...)
		return err
	})
}

// VirtualSize asks qemu-img for the size of an image whose format is known.
func (p *Programs) VirtualSize(ctx context.Context, file, format string) (int64, error) {
	text, err := p.Run(ctx, "qemu-img", "info", "-U", "--output", "json", "--image-opts",
		"driver="+format+",file.filename="+escape(file))
	if err != nil {
		return 0, err
	}
	var info struct {
		VirtualSize int64 `json:"virtual-size"`
	}
	if err := json.Unmarshal([]byte(text), &info); err != nil {
		return 0, fmt.Errorf("qemu-img info: %w", err)
	}
	return info.VirtualSize, nil
}

// Encrypts tells whether the host can run encrypted volumes: qemu-img lists luks and cryptsetup runs (agent 12).
func (p *Programs) Encrypts(ctx context.Context) bool {
	help, err := p.Run(ctx, "qemu-img", "--help")
	if err != nil || !strings.Contains(help, "luks") {
		return false
	}
	_, err = p.Run(ctx, "cryptsetup", "--version")
	return err == nil
}

// Mount mounts an NFS export, which must be on no command line with anything secret.
func (p *Programs) Mount(ctx context.Context, export, point string) error {
	_, err := p.Run(ctx, "mount", "-t", "nfs", export, point)
	return err
}

// Unmount ends a mount.
func (p *Programs) Unmount(ctx context.Context, point string) error {
	_, err := p.Run(ctx, "umount", point)
	return err
}
