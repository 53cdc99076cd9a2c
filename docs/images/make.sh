#!/usr/bin/env bash
# Makes the pictures of the docs: runs both demos with an empty cache, and photographs the top of the
# report of texts (report.png) and the pictures in that of images (pictures.png), in the light theme.
# Needs chromium; best on a machine that does nothing else.
#
#   docs/images/make.sh            (GRAFTWORK and CHROMIUM name other programs)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
graftwork=${GRAFTWORK:-"$here/../../.venv/bin/graftwork"}
python="$here/../../.venv/bin/python"
chromium=${CHROMIUM:-chromium}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GRAFTWORK_CACHE="$work/cache" GRAFTWORK_STATE="$work/state"

# Name, page, and height in CSS pixels.
photograph() {
  "$chromium" --headless --no-sandbox --disable-gpu --disable-background-networking \
    --hide-scrollbars --force-device-scale-factor=1.5 --window-size=1160,"$3" \
    --user-data-dir="$work/profile" --screenshot="$work/$1.png" "file://$2" 2>/dev/null
  "$python" -c 'import sys; from PIL import Image
Image.open(sys.argv[1]).convert("RGB").quantize(128).save(sys.argv[2], optimize=True)' \
    "$work/$1.png" "$here/$1.png" # a few hundred kB
  ls -l "$here/$1.png"
}

"$graftwork" demo --out "$work/demo" --quiet
photograph report "$work/demo/report/report.html" 1240 # verdict, scores, controls

"$graftwork" demo images --out "$work/photos" --quiet
# the section of pictures alone
alone='<style>section:not(#gallery), nav, header, footer, .tiles { display: none !important; }</style>'
sed "s|</head>|$alone</head>|" "$work/photos/report/report.html" > "$work/gallery.html"
photograph pictures "$work/gallery.html" 900
