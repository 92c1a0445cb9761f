package emulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spsim/spsim/emulator/cluster"
	"github.com/spsim/spsim/emulator/fault"
)

// Behaviour is the JSON form of the decisions that no public source settles (storpool-api 16): those of
// [cluster.Behaviour], and those about HTTP. Time spans are text ("90s"), sizes bytes. [Choices] tells what each
// one is about.
type Behaviour struct {
	Status             StatusProfile  `json:"status"`
	Strict             bool           `json:"strict"`
	DeleteDelay        fault.Duration `json:"deleteDelay"`
	TransientLifetime  fault.Duration `json:"transientLifetime"`
	RemoteCopy         fault.Duration `json:"remoteCopy"`
	RevertResetsLimits bool           `json:"revertResetsLimits"`
	RevertAttached     bool           `json:"revertAttached"`
	TimeoutSucceeds    bool           `json:"timeoutSucceeds"`
	StrictTagValues    bool           `json:"strictTagValues"`
	AnonymousAtNames   bool           `json:"anonymousAtNames"`
	SizeGranularity    int64          `json:"sizeGranularity"`
	MaxVolumeSize      int64          `json:"maxVolumeSize"` // 0: what the placement groups hold
}

// BehaviourOf returns the JSON form.
func BehaviourOf(b cluster.Behaviour, status StatusProfile, strict bool) Behaviour {
	return Behaviour{
		Status: status, Strict: strict, DeleteDelay: fault.Duration(b.DeleteDelay),
		TransientLifetime: fault.Duration(b.TransientLifetime), RemoteCopy: fault.Duration(b.RemoteCopy),
		RevertResetsLimits: b.RevertResetsLimits, RevertAttached: b.RevertAttached, TimeoutSucceeds: b.TimeoutSucceeds,
		StrictTagValues: b.StrictTagValues, AnonymousAtNames: b.AnonymousAtNames,
		SizeGranularity: b.SizeGranularity, MaxVolumeSize: b.MaxVolumeSize,
	}
}

// Cluster returns the part that the cluster decides.
func (b Behaviour) Cluster() cluster.Behaviour {
	return cluster.Behaviour{
		DeleteDelay: time.Duration(b.DeleteDelay), TransientLifetime: time.Duration(b.TransientLifetime),
		RemoteCopy: time.Duration(b.RemoteCopy), RevertResetsLimits: b.RevertResetsLimits,
		RevertAttached: b.RevertAttached, TimeoutSucceeds: b.TimeoutSucceeds, StrictTagValues: b.StrictTagValues,
		AnonymousAtNames: b.AnonymousAtNames, SizeGranularity: b.SizeGranularity, MaxVolumeSize: b.MaxVolumeSize,
	}
}

// Document is the JSON form of what a server is made of: the members of the model and, under "behaviour", the
// decisions.
type Document struct {
	cluster.Model
	Behaviour Behaviour `json:"behaviour"`
	// Members are further clusters that one process serves beside the one of the document, see [Federation].
	Members []DocumentMember `json:"members,omitempty"`
}

// DocumentMember is a [Member] of a federation as a document describes it; all else is as for the first.
type DocumentMember struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Location string `json:"location,omitempty"`
	Port     int    `json:"port,omitempty"` // 0 takes a free one
	Token    string `json:"token,omitempty"`
}

// DefaultDocument is what [New] makes without options.
func DefaultDocument() Document {
	d := defaults()
	return Document{Model: d.model, Behaviour: BehaviourOf(d.behaviour, d.status, d.strict)}
}

// ParseDocument reads a document. What it leaves out keeps its default; a member that nobody knows, or a value that
// cannot be, is an error.
func ParseDocument(text []byte) (Document, error) {
	doc := DefaultDocument()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return Document{}, fmt.Errorf("read model: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Document{}, errors.New("read model: there is more than one JSON value")
	}
	if err := errors.Join(doc.Validate(), doc.Behaviour.Cluster().Validate(), doc.Behaviour.Status.check()); err != nil {
		return Document{}, fmt.Errorf("read model: %w", err)
	}
	return doc, nil
}

// WithDocument sets the model and all decisions.
func WithDocument(doc Document) Option {
	return func(c *config) error {
		if err := doc.Behaviour.Status.check(); err != nil {
			return err
		}
		c.model, c.behaviour = doc.Model, doc.Behaviour.Cluster()
		c.status, c.strict = doc.Behaviour.Status, doc.Behaviour.Strict
		return nil
	}
}
