"""Power cuts: what a program wrote and synced is recorded, and the disk as a cut would have left it is laid out."""
