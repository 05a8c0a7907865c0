package studio

// Streams returns how many streams of events are open.
func (s *Studio) Streams() int {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	return len(s.events.clients)
}
