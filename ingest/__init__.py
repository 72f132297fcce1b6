"""From a source (file, HLS, RTMP, RTSP, SRT) to hashed segments on disk and 16 kHz samples in memory."""
