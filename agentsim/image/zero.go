package image

import "io"

// Zero writes n zeros from off on: a discard where there is none.
func Zero(w io.WriterAt, off, n int64) error {
	zeros := make([]byte, min(n, 1<<20))
	for n > 0 {
		part := zeros[:min(n, int64(len(zeros)))]
		written, err := w.WriteAt(part, off)
		if err != nil {
			return err
		}
		if written < len(part) {
			return io.ErrShortWrite
		}
		off, n = off+int64(written), n-int64(written)
	}
	return nil
}
