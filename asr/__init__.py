"""Speech recognition: voice activity, windows, decoding with guards, words with times."""
