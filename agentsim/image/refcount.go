package image

import (
	"encoding/binary"
	"io"
	"math"
)

// refcounts counts the users of every cluster of the file, in memory; save writes them. While they are newer than
// the file, a version 3 image is marked dirty.
type refcounts struct {
	cluster int64
	counts  []uint16     // one for each cluster of the file
	blocks  []int64      // offsets of the refcount blocks, 0 where there is none
	dirty   map[int]bool // blocks to write
	table   int64        // offset of the table in the file
	tableN  int64        // its length in clusters
	free    []int64      // clusters that nobody uses any more
}

func (c *refcounts) perBlock() int { return int(c.cluster / 2) }

// loadRefcounts reads the counts of an existing image.
func loadRefcounts(r io.ReaderAt, h header, length int64) (*refcounts, error) {
	const op = "read refcounts"
	cluster := int64(1) << h.clusterBits
	clusters := (length + cluster - 1) / cluster
	if clusters > 1<<28 {
		return nil, fail(op, ErrTooLarge, "file of %d clusters", clusters)
	}
	c := &refcounts{
		cluster: cluster, counts: make([]uint16, clusters), dirty: map[int]bool{},
		table: int64(h.refOffset), tableN: int64(h.refClusters),
	}
	raw := make([]byte, c.tableN*cluster)
	if err := readFull(r, raw, c.table); err != nil {
		return nil, err
	}
	used := min(len(raw)/8, (int(clusters)+c.perBlock()-1)/c.perBlock())
	block := make([]byte, cluster)
	for i := range used {
		at := int64(binary.BigEndian.Uint64(raw[i*8:]) &^ 511)
		c.blocks = append(c.blocks, at)
		if at == 0 {
			continue
		}
		if at%cluster != 0 || at < 0 {
			return nil, fail(op, ErrCorrupt, "refcount block at %d", at)
		}
		if err := readFull(r, block, at); err != nil {
			return nil, err
		}
		for k := range min(c.perBlock(), len(c.counts)-i*c.perBlock()) {
			c.counts[i*c.perBlock()+k] = binary.BigEndian.Uint16(block[k*2:])
		}
	}
	return c, nil
}

// alloc gives a cluster with a count of one: a freed one, else the next at the end of the file.
func (c *refcounts) alloc() int64 {
	if n := len(c.free); n > 0 {
		at := c.free[n-1]
		c.free = c.free[:n-1]
		c.set(at/c.cluster, 1)
		return at
	}
	return c.allocRun(1)
}

// allocRun gives n clusters in a row at the end of the file.
func (c *refcounts) allocRun(n int64) int64 {
	first := int64(len(c.counts))
	c.counts = append(c.counts, make([]uint16, n)...)
	for i := range n {
		c.set(first+i, 1)
	}
	return first * c.cluster
}

func (c *refcounts) set(index int64, count uint16) {
	c.counts[index] = count
	c.dirty[int(index)/c.perBlock()] = true
}

// release takes one user away from every cluster that the n bytes at off touch.
func (c *refcounts) release(off, n int64) error {
	for i := off / c.cluster; i <= (off+n-1)/c.cluster; i++ {
		if i >= int64(len(c.counts)) || c.counts[i] == 0 {
			return fail("free cluster", ErrCorrupt, "cluster %d is in use and has a refcount of 0", i)
		}
		c.set(i, c.counts[i]-1)
		if c.counts[i] == 0 {
			c.free = append(c.free, i*c.cluster)
		}
	}
	return nil
}

// settle allocates the blocks and the table that the counts need, which need counts themselves. It reports whether
// the table has moved.
func (c *refcounts) settle() (moved bool, err error) {
	for again := true; again; {
		again = false
		for i := 0; i*c.perBlock() < len(c.counts); i++ {
			if i == len(c.blocks) {
				c.blocks = append(c.blocks, 0)
			}
			if c.blocks[i] == 0 && c.dirty[i] {
				c.blocks[i], again = c.alloc(), true
			}
		}
		if need := int64(len(c.blocks)); need > c.tableN*c.cluster/8 {
			old, oldN := c.table, c.tableN
			c.tableN = max(2*c.tableN, need*8/c.cluster+2)
			c.table = c.allocRun(c.tableN)
			moved, again = true, true
			if err := c.release(old, oldN*c.cluster); err != nil {
				return moved, err
			}
		}
	}
	return moved, nil
}

// save writes the blocks that changed and the whole table.
func (c *refcounts) save(w io.WriterAt) error {
	block := make([]byte, c.cluster)
	for i := range c.dirty {
		clear(block)
		for k := range min(c.perBlock(), len(c.counts)-i*c.perBlock()) {
			binary.BigEndian.PutUint16(block[k*2:], c.counts[i*c.perBlock()+k])
		}
		if _, err := w.WriteAt(block, c.blocks[i]); err != nil {
			return err
		}
	}
	table := make([]byte, c.tableN*c.cluster)
	for i, at := range c.blocks {
		binary.BigEndian.PutUint64(table[i*8:], uint64(at))
	}
	if _, err := w.WriteAt(table, c.table); err != nil {
		return err
	}
	clear(c.dirty)
	return nil
}

// end is the length that the file has to have.
func (c *refcounts) end() int64 {
	if int64(len(c.counts)) > math.MaxInt64/c.cluster {
		return math.MaxInt64
	}
	return int64(len(c.counts)) * c.cluster
}
