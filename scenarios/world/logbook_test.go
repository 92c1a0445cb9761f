package world

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheLogbookFindsWhatIsLogged(t *testing.T) {
	t.Parallel()
	var heard bytes.Buffer
	book := logbook{next: slog.New(slog.NewTextHandler(&heard, nil))}
	_, found := book.find("secret")
	assert.False(t, found)
	log := slog.New(&book)
	log.Info("hello", "key", "a secret")
	line, found := book.find("a secret")
	assert.True(t, found)
	assert.Contains(t, line, "hello")
	log.With("other", "more secret").Info("again")
	_, found = book.find("more secret")
	assert.True(t, found)
	assert.Contains(t, heard.String(), "a secret", "whoever wants to hear it does")
}
