#!/usr/bin/env bash
# Makes demo.png: runs the demonstration at its own pace, keeps its output as a page, photographs it with Chromium.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
PYTHONPATH="$here/../.." COLUMNS=120 "${PYTHON:-python3}" -m livewitness demo --speed live --data data --page "$scratch/demo.html"
"${CHROMIUM:-chromium}" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
  --user-data-dir="$scratch/profile" --window-size="${SIZE:-1120,2080}" --hide-scrollbars \
  --screenshot="$here/demo.png" "file://$scratch/demo.html"
