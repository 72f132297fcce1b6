"""Records, settings, errors, text and clock: what every stage shares. Imports nothing of ours."""
