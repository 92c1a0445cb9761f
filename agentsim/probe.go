package agentsim

import (
	"encoding/binary"
	"io"

	"github.com/spsim/spsim/agentsim/image"
)

const (
	qcow2Magic  = 0x514649fb
	longestName = 1023 // of a backing file
)

// probed is A-3: the format of a device is found out from what the guest wrote on it. A qcow2 header makes it an
// image, and one that names a backing file shows a file of the host.
func probed(h *Host, device image.Image) (image.Reader, error) {
	var b [32]byte
	if _, err := device.ReadAt(b[:], 0); err != nil && device.Size() >= int64(len(b)) {
		return nil, err
	}
	be := binary.BigEndian
	if be.Uint32(b[:]) != qcow2Magic {
		return device, nil
	}
	at, n, size := int64(be.Uint64(b[8:])), int64(be.Uint32(b[16:])), int64(be.Uint64(b[24:]))
	if at == 0 {
		return image.OpenReader(device, device.Size(), image.Qcow2)
	}
	if at < 0 || n > longestName || size < 0 || size > Capacity {
		return device, nil
	}
	name := make([]byte, n)
	if _, err := device.ReadAt(name, at); err != nil {
		return nil, err
	}
	return image.OpenReader(backing{h.cfg.Files[string(name)], size}, size, image.Raw)
}

// backing is an image that holds nothing itself, over a file of the host.
type backing struct {
	data []byte
	size int64
}

func (b backing) ReadAt(p []byte, off int64) (int, error) {
	if off >= b.size {
		return 0, io.EOF
	}
	clear(p)
	if off < int64(len(b.data)) {
		copy(p, b.data[off:])
	}
	return len(p), nil
}
