"""Ask the Jupyter server of this container whether it answers; Docker runs this now and then."""

import json
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from jupyter_core.paths import jupyter_runtime_dir

# A server writes down its address when it starts. The home may be a volume with older ones.
files = Path(jupyter_runtime_dir()).glob("jpserver-*.json")
newest = max(files, key=lambda path: path.stat().st_mtime)
address = json.loads(newest.read_text(encoding="utf-8"))["url"] + "api"
build_opener(ProxyHandler({})).open(address, timeout=4).close()
