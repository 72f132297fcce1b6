"""A watcher to be killed: records ``argv[1]`` into ``argv[2]``, prints its epoch, then each segment's path."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from ingest.session import StreamRecorder
from ingest.sources import parse_source


class Print:
    def epoch_started(self, epoch):
        print(json.dumps(asdict(epoch) | {"wall_start": None}), flush=True)

    def segment_closed(self, segment):
        print(segment.path, flush=True)

    def pcm(self, epoch, first_sample, samples, arrived):
        pass

    def epoch_ended(self, epoch):
        pass

    def gap(self, gap):
        pass

    def gap_opened(self, gap):
        pass

    def audio_lost(self, epoch, position_ms):
        pass


StreamRecorder("room", parse_source(sys.argv[1]), Path(sys.argv[2]), Print(), segment_seconds=2, min_free_bytes=0).run()
