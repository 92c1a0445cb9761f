package image

import "context"

const (
	chunk = 1 << 20  // bytes moved at a time
	grain = 64 << 10 // runs of zeros of this length become holes
)

// Hook is told how many bytes have just been moved, holes excluded; it is where virtual time passes and where a
// copy can be made to fail. An error ends the copy.
type Hook func(ctx context.Context, bytes int64) error

// Moved sums up a conversion, in bytes.
type Moved struct {
	Read    int64 // from the source, holes excluded
	Written int64 // to the target
	Zeroed  int64 // made a hole of
}

// Convert makes the beginning of dst equal to src. What lies beyond the source's size stays as it is, as with a
// device that is larger (agent 7). Zeros are not written but made holes. A target that is smaller is refused with
// [ErrTooSmall] and left alone. The target is flushed before Convert answers.
func Convert(ctx context.Context, dst Image, src Reader, hook Hook) (Moved, error) {
	m := &mover{dst: dst, src: src, hook: hook, buf: make([]byte, chunk)}
	if src.Size() > dst.Size() {
		return m.moved, fail("convert", ErrTooSmall, "%d bytes into %d", src.Size(), dst.Size())
	}
	for at := int64(0); at < src.Size(); {
		from, to, err := src.NextData(at)
		if err != nil {
			return m.moved, err
		}
		if err := m.zero(at, from-at); err != nil {
			return m.moved, err
		}
		for at = from; at < to; {
			n := min(chunk, to-at)
			if err := m.move(ctx, at, n); err != nil {
				return m.moved, err
			}
			at += n
		}
	}
	return m.moved, dst.Flush()
}

type mover struct {
	dst   Image
	src   Reader
	hook  Hook
	buf   []byte
	moved Moved
}

// move copies up to one chunk of data.
func (m *mover) move(ctx context.Context, at, n int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p := m.buf[:n]
	if err := readFull(m.src, p, at); err != nil {
		return err
	}
	m.moved.Read += n
	for len(p) > 0 {
		run, zeros := sameKind(p)
		if err := m.put(p[:run], at, zeros); err != nil {
			return err
		}
		p, at = p[run:], at+int64(run)
	}
	if m.hook == nil {
		return nil
	}
	return m.hook(ctx, n)
}

func (m *mover) put(p []byte, at int64, zeros bool) error {
	if zeros {
		return m.zero(at, int64(len(p)))
	}
	if _, err := m.dst.WriteAt(p, at); err != nil {
		return err
	}
	m.moved.Written += int64(len(p))
	return nil
}

func (m *mover) zero(at, n int64) error {
	if n == 0 {
		return nil
	}
	m.moved.Zeroed += n
	return m.dst.Zero(at, n)
}

// sameKind is the length of the leading run of grains that are all zeros, or all not.
func sameKind(p []byte) (n int, zeros bool) {
	zeros = allZero(p[:min(grain, len(p))])
	for n = min(grain, len(p)); n < len(p); n = min(n+grain, len(p)) {
		if allZero(p[n:min(n+grain, len(p))]) != zeros {
			break
		}
	}
	return n, zeros
}
