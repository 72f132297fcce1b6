"""Evidence: clips and stills out of the recorded segments, each checked against its hash before use."""
