#!/usr/bin/env bash
# Makes docs/images/report.png: runs the demo with an empty cache, and photographs the top of its
# report in the light theme. Needs chromium; best on a machine that does nothing else.
#
#   docs/images/make.sh            (GRAFTWORK and CHROMIUM name other programs)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
graftwork=${GRAFTWORK:-"$here/../../.venv/bin/graftwork"}
chromium=${CHROMIUM:-chromium}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

GRAFTWORK_CACHE="$work/cache" GRAFTWORK_STATE="$work/state" \
  "$graftwork" demo --out "$work/demo" --quiet

# Width and height in CSS pixels: the verdict, the scores and the comparison with the controls.
"$chromium" --headless --no-sandbox --disable-gpu --disable-background-networking \
  --hide-scrollbars --force-device-scale-factor=1.5 --window-size=1160,1240 \
  --user-data-dir="$work/profile" --screenshot="$work/report.png" \
  "file://$work/demo/report/report.html" 2>/dev/null
mv "$work/report.png" "$here/report.png"
ls -l "$here/report.png"
