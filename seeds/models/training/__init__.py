"""How the scene detector is made: its network, its samples, its loss, its score. Needs torch, which Gatehouse does not."""
