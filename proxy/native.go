package proxy

func (k *link) nativePush(frame []byte) bool { return true }
func (k *link) refuse(frame []byte) bool     { return false }
func (k *link) divert(frame []byte) bool     { return false }
