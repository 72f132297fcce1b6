"""Search over what was said: letters, sound, concepts and meaning, with the time of the words meant."""
