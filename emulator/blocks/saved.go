package blocks

import (
	"errors"
	"fmt"
	"math/bits"
)

// Contents is what any number of images hold, as plain data. Every page and every node of a tree is there once,
// however many images share it.
type Contents struct {
	Pages [][]byte    `json:"pages"` // without the zeros at their ends
	Nodes []SavedNode `json:"nodes"` // each after the nodes that it refers to
}

// SavedNode is a node of a tree: a leaf with pages or an inner node with nodes. Each list has the slot and the
// number of the page or node in turn, by ascending slot; numbers count from 0. A page that is lost has the number -1.
type SavedNode struct {
	Pages []int `json:"pages,omitempty"`
	Nodes []int `json:"nodes,omitempty"`
}

// lostNumber stands for the page of contents that are lost.
const lostNumber = -1

// ErrContents refuses saved contents that no image can have.
var ErrContents = errors.New("bad saved contents")

// Still is what an image held at one moment. It never changes.
type Still struct {
	root *node
	lost *page
}

// Empty tells whether all of it reads as zeros.
func (s Still) Empty() bool { return s.root == nil }

// Stills returns what the images hold at one moment: no write lies between two of them. It takes constant time per
// image.
func (s *Store) Stills(images []*Image) []Still {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, im := range images {
		im.mu.Lock()
	}
	stills := make([]Still, len(images))
	for i, im := range images {
		stills[i] = Still{im.tree.root, s.lost}
		im.layer = s.layers.Add(1) // from now on the image copies what it changes
	}
	for _, im := range images {
		im.mu.Unlock()
	}
	return stills
}

// Packer turns stills into [Contents]. The same images in the same order give the same contents.
type Packer struct {
	Contents
	pages map[*page]int
	nodes map[*node]int
	lost  *page
}

// NewPacker returns a packer without contents.
func NewPacker() *Packer {
	return &Packer{pages: map[*page]int{}, nodes: map[*node]int{}}
}

// Add packs a still that is not empty, and returns the number of its root. The pages of the contents belong to the
// images: they must not be changed.
func (p *Packer) Add(s Still) int {
	p.lost = s.lost
	return p.node(s.root)
}

func (p *Packer) node(n *node) int {
	if at, ok := p.nodes[n]; ok {
		return at
	}
	var saved SavedNode
	if n.pages != nil {
		for slot, pg := range n.pages {
			if pg != nil {
				saved.Pages = append(saved.Pages, slot, p.page(pg))
			}
		}
	} else {
		for slot, kid := range n.kids {
			if kid != nil {
				saved.Nodes = append(saved.Nodes, slot, p.node(kid))
			}
		}
	}
	at := len(p.Nodes)
	p.nodes[n] = at
	p.Nodes = append(p.Nodes, saved)
	return at
}

func (p *Packer) page(pg *page) int {
	if pg == p.lost {
		return lostNumber
	}
	if at, ok := p.pages[pg]; ok {
		return at
	}
	at, end := len(p.Pages), PageSize
	for end > 0 && pg[end-1] == 0 {
		end--
	}
	p.pages[pg] = at
	p.Pages = append(p.Pages, pg[:end])
	return at
}

// Unpacker makes images of [Contents].
type Unpacker struct {
	store *Store
	pages []*page
	nodes []unpacked
}

// unpacked is a node with what the check of its image needs.
type unpacked struct {
	node   *node
	height uint8
	used   int64 // pages
	last   int64 // number of the last page
	lossy  bool
}

// Unpack prepares images of the store with the contents. Error: [ErrContents].
func (s *Store) Unpack(c Contents) (*Unpacker, error) {
	u := &Unpacker{store: s, pages: make([]*page, len(c.Pages)), nodes: make([]unpacked, len(c.Nodes))}
	for i, text := range c.Pages {
		if len(text) > PageSize {
			return nil, fmt.Errorf("%w: page %d has %d bytes", ErrContents, i, len(text))
		}
		u.pages[i] = new(page)
		copy(u.pages[i][:], text)
	}
	for i, n := range c.Nodes {
		var err error
		if u.nodes[i], err = u.unpack(n, i); err != nil {
			return nil, fmt.Errorf("%w: node %d: %w", ErrContents, i, err)
		}
	}
	return u, nil
}

func (u *Unpacker) unpack(n SavedNode, at int) (unpacked, error) {
	switch {
	case len(n.Pages) > 0 && len(n.Nodes) > 0:
		return unpacked{}, errors.New("both leaf and inner node")
	case len(n.Pages) > 0:
		return u.leaf(n.Pages)
	case len(n.Nodes) > 0:
		return u.inner(n.Nodes, at)
	}
	return unpacked{}, errors.New("neither leaf nor inner node")
}

// checkSlots refuses lists that are not slots, ascending, and numbers from least and below limit in turn.
func checkSlots(list []int, least, limit int) error {
	if len(list)%2 != 0 {
		return errors.New("a slot without number")
	}
	for i := 0; i < len(list); i += 2 {
		if list[i] < 0 || list[i] >= fan || i > 0 && list[i] <= list[i-2] {
			return fmt.Errorf("bad slot %d", list[i])
		}
		if list[i+1] < least || list[i+1] >= limit {
			return fmt.Errorf("unknown number %d", list[i+1])
		}
	}
	return nil
}

func (u *Unpacker) leaf(list []int) (unpacked, error) {
	if err := checkSlots(list, lostNumber, len(u.pages)); err != nil {
		return unpacked{}, err
	}
	pages := new([fan]*page)
	lossy := false
	for i := 0; i < len(list); i += 2 {
		if list[i+1] == lostNumber {
			pages[list[i]], lossy = u.store.lost, true
			continue
		}
		pages[list[i]] = u.pages[list[i+1]]
	}
	return unpacked{
		node: &node{pages: pages}, height: 1, used: int64(len(list) / 2), last: int64(list[len(list)-2]), lossy: lossy,
	}, nil
}

func (u *Unpacker) inner(list []int, at int) (unpacked, error) {
	if err := checkSlots(list, 0, at); err != nil {
		return unpacked{}, err
	}
	kids := new([fan]*node)
	out := unpacked{node: &node{kids: kids}, height: u.nodes[list[1]].height + 1}
	if fanBits*uint(out.height) >= bits.UintSize-1 {
		return unpacked{}, errors.New("the tree is too high")
	}
	for i := 0; i < len(list); i += 2 {
		kid := u.nodes[list[i+1]]
		if kid.height != out.height-1 {
			return unpacked{}, errors.New("kids of different heights")
		}
		kids[list[i]] = kid.node
		out.used += kid.used
		out.lossy = out.lossy || kid.lossy
		out.last = int64(list[i])<<(fanBits*uint(kid.height)) + kid.last
	}
	return out, nil
}

// Image returns an image of size bytes with the tree below a root, or without any when root is below 0. A frozen
// one is a snapshot. Errors: [ErrContents], [ErrOutOfRange].
func (u *Unpacker) Image(root int, size int64, frozen bool) (*Image, error) {
	im, err := u.store.New(size)
	if err != nil {
		return nil, err
	}
	im.frozen = frozen
	if root < 0 {
		return im, nil
	}
	if root >= len(u.nodes) {
		return nil, fmt.Errorf("%w: unknown root %d", ErrContents, root)
	}
	n := u.nodes[root]
	if n.last<<pageBits >= size {
		return nil, fmt.Errorf("%w: page %d is beyond the %d bytes of the image", ErrContents, n.last, size)
	}
	im.tree, im.used, im.lossy = tree{root: n.node, height: n.height}, n.used, n.lossy
	return im, nil
}

// Adopt makes images the children of a frozen one, their contents unchanged. It takes what [Image.Rebase] refuses:
// there is no ancestor yet.
func (u *Unpacker) Adopt(parent *Image, children ...*Image) error {
	u.store.mu.Lock()
	defer u.store.mu.Unlock()
	if !parent.frozen {
		return ErrNotFrozen
	}
	for _, im := range children {
		im.setParent(parent)
	}
	return nil
}
