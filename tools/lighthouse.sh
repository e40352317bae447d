#!/bin/sh
# Measure the built site as Lighthouse sees it: medians of RUNS runs, for a phone on a slow line.
# Needs npm (https://docs.npmjs.com) and Chromium or Chrome; CHROME_PATH says where it is.
#
#     tools/lighthouse.sh [PAGE ...]      (all chapters and the landing page, if none is named)
set -eu
cd "$(dirname "$0")/.."
RUNS=${RUNS:-5} PORT=${PORT:-8009} PYTHON=${PYTHON:-.venv/bin/python}
OUT=_build/lighthouse
mkdir -p $OUT
test -d $OUT/node_modules/lighthouse || npm install --prefix $OUT --no-fund --no-audit lighthouse@12

$PYTHON tools/serve.py "$PORT" > /dev/null &
SERVER=$!
trap 'kill $SERVER' EXIT
sleep 1

if [ $# -eq 0 ]; then
    set -- index.html $(cd _build/html && ls chapters/*.html)
fi
for page in "$@"; do
    name=$(echo "$page" | tr / -)
    rm -f "$OUT/$name".*.json
    for run in $(seq "$RUNS"); do
        $OUT/node_modules/.bin/lighthouse "http://127.0.0.1:$PORT/$page" --quiet \
            --chrome-flags="--headless=new --no-sandbox" \
            --output=json --output-path="$OUT/$name.$run.json"
    done
    $PYTHON tools/lighthouse_medians.py "$page" "$OUT/$name".*.json
done
