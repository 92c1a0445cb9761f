package blocks

import "slices"

// ChunkSize is the unit by which [Image.Chunks] tells where data is, in bytes.
const ChunkSize = 32 << 20

const pagesInChunk = ChunkSize / PageSize

// Chunk says how much data of its own an image has within one range of ChunkSize bytes.
type Chunk struct {
	Index int64 // of the range
	Bytes int64
}

// grown adds bytes to the chunk with this index, which is the last one or comes after it.
func grown(chunks []Chunk, index, bytes int64) []Chunk {
	if n := len(chunks); n > 0 && chunks[n-1].Index == index {
		chunks[n-1].Bytes += bytes
		return chunks
	}
	return append(chunks, Chunk{Index: index, Bytes: bytes})
}

// Chunks returns the ranges in which the image has data of its own, ascending. Together they have the bytes that
// [Image.Stored] tells.
func (im *Image) Chunks() []Chunk {
	parent, shared := im.lineage()
	im.mu.RLock()
	defer im.mu.RUnlock()
	m := im.own(parent, shared)
	chunks := slices.Clone(m.chunks)
	if beyond := m.pages<<pageBits - im.size; beyond > 0 { // the last page reaches beyond the end
		chunks[len(chunks)-1].Bytes -= beyond
	}
	return chunks
}
