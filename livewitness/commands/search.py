"""``livewitness search``: say what was claimed, get the place where it was said."""



