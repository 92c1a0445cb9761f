package luks

import (
	"context"
	"io"

	"github.com/spsim/spsim/agentsim/image"
)

// OpenQcow2 opens a qcow2 image whose clusters are encrypted, of so many bytes, for reading and writing. Errors: those of
// [Open] and of image.OpenEncrypted.
func OpenQcow2(ctx context.Context, f image.File, length int64, passphrase []byte, o Options) (image.Image, error) {
	return image.OpenEncrypted(f, length, func(e image.Enclosed) (image.Clusters, error) {
		d, err := within(e, o)
		if err != nil {
			return nil, err
		}
		return Open(ctx, d, image.Beyond, passphrase, o)
	})
}

// OpenQcow2Reader is [OpenQcow2] without the right to write.
func OpenQcow2Reader(ctx context.Context, r io.ReaderAt, length int64, passphrase []byte, o Options) (image.Reader, error) {
	return image.OpenEncryptedReader(r, length, func(e image.Enclosed) (image.Clusters, error) {
		d, err := within(e, o)
		if err != nil {
			return nil, err
		}
		return OpenReader(ctx, d, image.Beyond, passphrase, o)
	})
}

// within gives the device of the container in an image.
func within(e image.Enclosed, o Options) (image.Clusters, error) {
	h, err := ReadHeader(e.Header(), image.Beyond, o)
	if err != nil {
		return nil, err
	}
	return e.Device(h.PayloadOffset)
}

// CreateQcow2 makes an empty qcow2 image whose clusters are encrypted with a new container, as qemu-img does (agent 13).
func CreateQcow2(
	ctx context.Context, f image.File, size int64, passphrase []byte, opts image.Options, p Params,
) (image.Image, error) {
	p.PayloadOffset = QemuOffset
	return image.CreateEncrypted(f, size, opts, p.PayloadOffset, func(e image.Enclosed) (image.Clusters, error) {
		d, err := e.Device(p.PayloadOffset)
		if err != nil {
			return nil, err
		}
		return Format(ctx, d, image.Beyond, passphrase, p)
	})
}
