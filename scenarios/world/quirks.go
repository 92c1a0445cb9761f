package world

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spsim/spsim/agentsim"
	"github.com/spsim/spsim/driver"
	"github.com/spsim/spsim/driver/quirk"
	"github.com/spsim/spsim/scenarios/mgmt"
)

// Room is a part of the house that has quirks of its own.
type Room string

// The rooms.
const (
	DriverRoom Room = "driver"
	AgentRoom  Room = "agentsim"
	CoreRoom   Room = "scenarios/mgmt"
)

// Quirk is a known defect and the room that can show it.
type Quirk struct {
	quirk.Info
	Room Room
}

// Quirks lists the known defects of all rooms.
func Quirks() []Quirk {
	var out []Quirk
	add := func(r Room, infos []quirk.Info) {
		for _, i := range infos {
			out = append(out, Quirk{i, r})
		}
	}
	add(DriverRoom, driver.Quirks())
	add(AgentRoom, agentsim.Quirks())
	add(CoreRoom, mgmt.Quirks())
	return out
}

// selection is a choice of quirks for each room.
type selection struct{ driver, agents, core quirk.Set }

// choose reads a selection. A word has to be known to one room at least; each room gets the words that it knows.
func choose(text string) (s selection, err error) {
	rooms := []struct {
		infos []quirk.Info
		set   *quirk.Set
		words []string
	}{{driver.Quirks(), &s.driver, nil}, {agentsim.Quirks(), &s.agents, nil}, {mgmt.Quirks(), &s.core, nil}}
	for word := range strings.SplitSeq(text, ",") {
		known := false
		for i := range rooms {
			if _, err := quirk.Parse(word, rooms[i].infos); err == nil {
				rooms[i].words, known = append(rooms[i].words, word), true
			}
		}
		if !known {
			return s, unknown(strings.TrimSpace(word))
		}
	}
	for i := range rooms {
		if *rooms[i].set, err = quirk.Parse(strings.Join(rooms[i].words, ","), rooms[i].infos); err != nil {
			return s, fmt.Errorf("choose quirks: %w", err)
		}
	}
	return s, nil
}

func unknown(word string) error {
	var ids []string
	for _, q := range Quirks() {
		if q.Inexpressible == "" {
			ids = append(ids, q.ID)
		}
	}
	slices.Sort(ids)
	return fmt.Errorf("no quirk %q: use correct, %s or ids out of %s", word, quirk.Upstream, strings.Join(slices.Compact(ids), ", "))
}
