"""The wiring of a stream: recording, recognition, judgement, storing; live, backfill and import."""
