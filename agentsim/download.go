package agentsim

import (
	"archive/zip"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/google/uuid"

	"github.com/spsim/spsim/agentsim/image"
)

const (
	downloadLimit = 64 << 30 // bytes that an archive may unfold to when nobody said how large the template is
	downloadSlack = 64 << 20 // of an image's tables
)

// ErrTooLarge is an archive that unfolds to more than it may.
var ErrTooLarge = errors.New("archive unfolds to more than the template can need")

// download is the file of a direct download, by its path in the host's folder.
type download struct {
	run    *run
	folder *os.Root
	name   string
	// delivered ends the agent's care for the snapshot.
	delivered func()
}

// extract unfolds an archive into a file beside it and deletes the archive. What is none stays as it is.
func (d *download) extract(ctx context.Context, expected int64) error {
	f, err := d.folder.Open(d.name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	from, err := unfold(f, path.Ext(d.name))
	if err != nil || from == nil {
		return err
	}
	limit := int64(downloadLimit)
	if expected > 0 {
		limit = expected + expected/64 + downloadSlack
	}
	archive := d.name
	d.name = path.Join(path.Dir(archive), uuid.NewString())
	if err := d.write(ctx, from, limit); err != nil {
		return fmt.Errorf("extract %s: %w", archive, err)
	}
	return d.folder.Remove(archive)
}

// unfold reads an archive of the kind that its name tells; nil for a file that is none.
func unfold(f *os.File, extension string) (io.Reader, error) {
	switch extension {
	case ".gz":
		return gzip.NewReader(f)
	case ".bz2":
		return bzip2.NewReader(f), nil
	case ".zip":
		return unzip(f)
	case ".xz", ".7z", ".tar", ".tgz":
		return nil, fmt.Errorf("%w: archive of type %s", ErrUnsupported, extension)
	}
	return nil, nil
}

// unzip reads the only file of an archive. Its name there is of no account.
func unzip(f *os.File) (io.Reader, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(f, st.Size())
	if err != nil {
		return nil, err
	}
	if len(z.File) != 1 {
		return nil, fmt.Errorf("%w: archive of %d files", ErrUnsupported, len(z.File))
	}
	return z.File[0].Open()
}

// write writes the unfolded file, up to the limit.
func (d *download) write(ctx context.Context, from io.Reader, limit int64) (err error) {
	out, err := d.folder.OpenFile(d.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	for done := int64(0); ; {
		if err := errors.Join(ctx.Err(), d.run.alive()); err != nil {
			return err
		}
		n, err := io.CopyN(out, from, min(1<<20, limit-done+1))
		if done += n; done > limit {
			return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// open opens the image, which is qcow2 and complete by itself.
func (d *download) open() (img found, err error) {
	if img.file, err = d.folder.Open(d.name); err != nil {
		return img, err
	}
	img.format = image.Qcow2
	st, err := img.file.Stat()
	if err == nil {
		img.Reader, err = image.OpenReader(img.file, st.Size(), image.Qcow2)
	}
	if err != nil {
		return img, errors.Join(fmt.Errorf("%s: %w", d.name, err), img.file.Close())
	}
	return img, nil
}
