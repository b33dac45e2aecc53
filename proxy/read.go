package proxy

// reader chooses the lane of a read when nothing of the session is unanswered.
func (s *laneSet) reader(c *client) *lane { return s.master }
