package jobs

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"polygamy/datasets"
)

// A Progress shows how far a run is: on one line of a terminal, or else a line
// every 30 seconds, as text or as JSON. A nil Progress shows nothing. Its
// methods may be called by several goroutines at once.
type Progress struct {
	W        io.Writer
	Terminal bool
	JSON     bool
	Now      func() time.Time

	mu     sync.Mutex
	stage  string
	total  int
	done   int
	detail string
	begin  time.Time
	shown  time.Time
	line   bool // of the terminal is in use
}

// Stage begins a stage of so many items; 0 if that is not known.
func (p *Progress) Stage(name string, total int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stage, p.total, p.done, p.detail, p.begin = name, total, 0, "", p.Now()
	if p.shown.IsZero() && !p.Terminal {
		p.shown = p.begin
	}
	p.show(p.JSON)
}

// Done adds items that are done.
func (p *Progress) Done(n int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += n
	p.show(false)
}

// Rows shows how far a load is.
func (p *Progress) Rows(at datasets.Progress) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.detail = fmt.Sprintf("%s rows, %s rows/s", shortCount(float64(at.Rows)), shortCount(float64(at.Rows)/max(p.Now().Sub(p.begin).Seconds(), 1e-3)))
	p.show(false)
}

// End clears the line.
func (p *Progress) End() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line {
		fmt.Fprint(p.W, "\r\x1b[K")
		p.line = false
	}
}

// show writes the state, if the last time is long enough ago or it must be.
func (p *Progress) show(must bool) {
	now := p.Now()
	every := 30 * time.Second
	if p.Terminal && !p.JSON {
		every = 100 * time.Millisecond
	}
	if !must && now.Sub(p.shown) < every {
		return
	}
	p.shown = now
	spent := max(now.Sub(p.begin).Seconds(), 1e-3)
	rate := float64(p.done) / spent
	left := time.Duration(0)
	if p.done > 0 && p.total > 0 {
		left = time.Duration(float64(p.total-p.done) / rate * float64(time.Second)).Round(time.Second)
	}
	if p.JSON {
		line, err := json.Marshal(struct {
			Time   time.Time `json:"time"`
			Stage  string    `json:"stage"`
			Done   int       `json:"done"`
			Total  int       `json:"total"`
			Rate   float64   `json:"per_second"`
			Left   float64   `json:"seconds_left"`
			Detail string    `json:"detail,omitempty"`
		}{now.UTC(), p.stage, p.done, p.total, rate, left.Seconds(), p.detail})
		if err == nil {
			fmt.Fprintf(p.W, "%s\n", line)
		}
		return
	}
	text := p.stage
	if p.total > 0 {
		text += fmt.Sprintf(": %s of %s, %s/s, %s left", groupDigits(int64(p.done)), groupDigits(int64(p.total)), shortCount(rate), left)
	} else if p.detail != "" {
		text += ": " + p.detail
	}
	if p.Terminal {
		fmt.Fprintf(p.W, "\r\x1b[K%s", text)
		p.line = true
		return
	}
	fmt.Fprintln(p.W, text)
}
